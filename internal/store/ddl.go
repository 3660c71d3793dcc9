package store

import (
	"strings"

	"carereach/models"
)

// Names of columns and tables are written without quotes: a name that is a keyword of SQL fails when the tables are
// first made, in a test, and is then renamed in models. Otherwise every hand-written statement would have to quote it.

// table is one table as the code wants it.
type table struct {
	schema  string
	name    string
	columns []models.Column
}

// title names the table as statements of other packages do: "ver_encounter", "pub.gap".
func (t table) title() string {
	if t.schema == "main" {
		return t.name
	}
	return t.schema + "." + t.name
}

// ddl gives the statement that creates the table.
func (t table) ddl() string {
	var b strings.Builder
	b.WriteString("CREATE TABLE " + t.title() + " (")
	for i, c := range t.columns {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n\t" + c.Name + " " + c.Type)
	}
	b.WriteString("\n);\n")
	return b.String()
}

// FactDDL gives the statements that create the version table and the current table of a fact type.
func FactDDL(t models.FactType) string { return versionTable(t).ddl() + currentTable(t).ddl() }

// PublishedDDL gives the statement that creates a published table in schema pub, run_id first.
func PublishedDDL(t models.PublishedTable) string { return publishedTable(t).ddl() }

func versionTable(t models.FactType) table {
	return table{schema: "main", name: t.VersionTable(), columns: append(append([]models.Column{}, models.VersionColumns...), t.Columns()...)}
}

// currentTable has the version columns that still mean something once the winner is known, and pid0 beside pid: the
// patient as received beside the person's survivor.
func currentTable(t models.FactType) table {
	var columns []models.Column
	for _, c := range models.VersionColumns {
		switch c.Name {
		case "retracted", "log", "part", "off", "entry":
			continue
		}
		columns = append(columns, c)
		if c.Name == "pid" {
			columns = append(columns, models.Column{Name: "pid0", Type: c.Type, Doc: "patient key as received, before merges"})
		}
	}
	return table{schema: "main", name: t.CurrentTable(), columns: append(columns, t.Columns()...)}
}

func publishedTable(t models.PublishedTable) table {
	columns := []models.Column{{Name: "run_id", Type: "VARCHAR", Doc: "the run that published the row"}}
	return table{schema: "pub", name: t.Name, columns: append(columns, t.Columns...)}
}

// generatedTables lists every table that follows from models.
func generatedTables(facts []models.FactType, published []models.PublishedTable) []table {
	var out []table
	for _, t := range facts {
		out = append(out, versionTable(t), currentTable(t))
	}
	for _, t := range published {
		out = append(out, publishedTable(t))
	}
	return out
}
