-- The columns of a table that a relation made, in order.
SELECT c.column_name, c.data_type
FROM duckdb_columns() AS c
WHERE c.database_name = $1 AND c.schema_name = 'main' AND c.table_name = $2
ORDER BY c.column_index
