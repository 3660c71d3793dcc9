// Package csvmap turns CSV files into facts by mapping files: which column, found by its header name, goes to which
// element of which fact type. It is pure: rows in, facts or a *models.Reject out; no clock, no database, no state.
//
// Header names are compared by their letters and digits alone, so that "Patient ID", PATIENT_ID and patientid are one; the
// order of columns never matters and columns that no mapping names are passed over and listed.
//
// A mapping file is YAML; the files under mappings/ use every key. At the top:
//
//	name, group, title, source   what the mapping is called; the source its files have where the site names none
//	recognise                    files: name patterns; headers: names that must all be there (a list in the list: one of
//	                             them); without: names that must not. What is given must hold
//	aliases                      name used in this file: [other header names]; of several that are there, the first filled
//	zone, zone_column            zone of times without an offset: for all rows, or a column that names it
//	formats                      further ways to write a time, such as M/D/YYYY h:mm AM; ISO forms are always understood
//	empty                        cells that mean "no value"
//	ignore                       instead of facts: why files of this kind are read and not needed
//	facts                        blocks; each gives one fact per row
//
// A facts block:
//
//	type, subject                the fact type; the column of the patient's id, for types about a patient
//	id, or_id                    columns (and "=constants") that name the record, or the word hash; or_id when id is empty
//	version                      column of a growing number or of the time of the last change
//	when, retracted              conditions: column with equals, in, not or filled; the block applies, the fact is withdrawn
//	columns                      element: column name, or a block as below, or a list of which the first with a value counts
//	identity, consent            what goes to the vault and to the consent ledger, and nowhere else
//
// An element's block names where the value is: column, first (the first filled of several), join (several with a blank
// between), columns (a list of codes), const, or start and end of an interval. How it is read: as (text, payer, language,
// zip, flag, int, money, code, time, date, quantity, ref:Type), system, system_column and form of a code, unit and
// unit_column, round (decimals that binary fractions stand for), map with unknown (reject, drop or keep), formats, zone,
// empty, default, required, when.
package csvmap
