package store

import (
	"context"
	"fmt"
	"strings"

	"carereach/models"
)

// Checksum gives the number of rows and a checksum of their content over columns, for the rows of table ("pub.gap",
// "run_x.gap") that fit the SQL condition where ("" is all; args are its parameters). Equal multisets of rows have equal
// sums whatever their order; NULL differs from the empty string, and a row stored twice from one stored never or once.
//
// It is the count and the sum of a 128-bit hash of every row: it finds differences that happen, not ones that someone
// builds on purpose. It depends on the names of no column and on the text that the engine gives a value, so that sums of
// two engine versions are not comparable where that text changed.
func Checksum(ctx context.Context, tx *Tx, table string, columns []string, where string, args ...any) (rows int64, sum string, err error) {
	if len(columns) == 0 {
		return 0, "", &models.Error{Kind: models.KindUsage, Message: "a checksum needs columns"}
	}
	var text strings.Builder
	for i, c := range columns {
		if i > 0 {
			text.WriteString(" || ")
		}
		// The length before each value keeps apart what would run together: ('a','bc') and ('ab','c').
		v := "CAST(" + identifier(c) + " AS VARCHAR)"
		text.WriteString("CASE WHEN " + identifier(c) + " IS NULL THEN '-' ELSE CAST(strlen(" + v + ") AS VARCHAR) || ':' || " + v + " END")
	}
	// The two halves are added apart: as HUGEINT neither sum can overflow, nor depend on how threads share the rows.
	query := "SELECT count(*), CAST(coalesce(sum(CAST(h >> 64 AS UBIGINT)), 0) AS VARCHAR), CAST(coalesce(sum(CAST(h & 18446744073709551615::UHUGEINT AS UBIGINT)), 0) AS VARCHAR)" +
		" FROM (SELECT md5_number(" + text.String() + ") AS h FROM " + tableName(table)
	if where != "" {
		query += " WHERE " + where
	}
	var upper, lower string
	if err := tx.QueryRow(ctx, query+")", args...).Scan(&rows, &upper, &lower); err != nil {
		return 0, "", fmt.Errorf("checksum of %s: %w", table, tx.db.note(err))
	}
	return rows, fmt.Sprintf("%d:%s:%s", rows, upper, lower), nil
}

// tableName writes a name of up to three parts as SQL.
func tableName(title string) string {
	parts := strings.Split(title, ".")
	for i := range parts {
		parts[i] = identifier(parts[i])
	}
	return strings.Join(parts, ".")
}
