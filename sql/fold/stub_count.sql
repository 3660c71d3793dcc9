SELECT count(*) AS n FROM subject WHERE stub
