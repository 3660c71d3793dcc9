-- New patients of a batch (view new_subjects: pid, token, bucket). They are stubs until the fold finds their Patient.
INSERT INTO subject (pid, token, bucket, stub) SELECT pid, token, bucket, TRUE FROM new_subjects
