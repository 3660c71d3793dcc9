// Package models holds the words of the domain and the rules that need no database: ids, calendar dates, time
// ranges, the schema of clinical facts, gaps, targets, KPIs and errors. It does no I/O and imports nothing of ours.
package models
