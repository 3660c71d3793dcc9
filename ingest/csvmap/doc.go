// Package csvmap turns CSV files into facts by mapping files: which column, found by its header name, goes to which
// element of which fact type. It is pure: rows in, facts or a *models.Reject out; no clock, no database, no state.
//
// A mapping file (YAML) says how its files are recognised and, in facts blocks, what a row means; the files under
// mappings/ are examples for every key. Header names are compared by their letters and digits alone, so that "Patient ID",
// PATIENT_ID and patientid are one; the order of columns never matters and columns that no mapping names are passed over.
package csvmap
