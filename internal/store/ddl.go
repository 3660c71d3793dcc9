package store

import "carereach/models"

// FactDDL gives the statements that create the version table and the current table of a fact type.
func FactDDL(t models.FactType) string { return "" }

// PublishedDDL gives the statement that creates a published table in schema pub, run_id first.
func PublishedDDL(t models.PublishedTable) string { return "" }
