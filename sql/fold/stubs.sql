-- A subject is a stub until a Patient of its own has arrived, retracted or not.
{{if .Full}}UPDATE subject SET stub = NOT stub
WHERE stub = (pid IN (SELECT v.pid FROM ver_patient AS v WHERE v.pid IS NOT NULL))
{{else}}UPDATE subject SET stub = FALSE
WHERE stub AND pid IN (SELECT v.pid FROM ver_patient AS v WHERE v.k > $1)
{{end}}
