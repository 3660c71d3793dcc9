SELECT pid, survivor FROM person
