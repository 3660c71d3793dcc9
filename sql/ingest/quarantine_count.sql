-- Number of quarantined inputs by the same filters.
SELECT count(*) FROM quarantine WHERE (? = '' OR state = ?) AND (? = '' OR reason = ?) AND (? = 0 OR id = ?)
