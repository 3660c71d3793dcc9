// Package csvmap turns CSV files into facts by mapping files: which column, found by its header name, goes to which
// element of which fact type. It is pure: rows in, facts or a *models.Reject out; no clock, no database, no state.
package csvmap
