-- Greatest patient key of each bucket.
SELECT bucket, max(pid) AS top FROM subject GROUP BY bucket
