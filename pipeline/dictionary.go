package pipeline

import (
	"fmt"
	"strings"

	"carereach/models"
)

// Dictionary writes the data dictionary as Markdown: every published table, then every fact table, with the meaning of
// each column, made from the same tables of models that make the DDL. docs/data-dictionary.md holds it.
func Dictionary() string {
	var b strings.Builder
	b.WriteString("# Data dictionary\n\nMade from the code (`models.Published`, `models.FactTypes`); a test keeps it equal. Do not edit by hand.\n\n")
	b.WriteString("## Published tables\n\nSchema `pub`. Every table starts with `run_id VARCHAR`: the run that published the row. Rows of a published run never change.\n")
	for _, t := range models.Published {
		section(&b, "pub."+t.Name, t.Doc, t.Columns)
	}
	b.WriteString("\n## Fact tables\n\nOne append-only table of versions per resource type, `ver_<name>`, and the winning versions, `cur_<name>`: not retracted,\npersons merged. `cur_` tables have `pid` (the survivor's), `pid0` (as received), `k`, `ent`, `source`, `version`, `known_at` and\nthe columns below. `pid` and `k` belong to one file and never leave the store. Every version starts with:\n")
	table(&b, models.VersionColumns)
	for _, t := range models.FactTypes {
		doc := t.Doc
		if t.CodeFrom != "" {
			doc += fmt.Sprintf(" The codes of `%s` are also rows of the table `codes`.", t.CodeFrom)
		}
		section(&b, t.CurrentTable(), doc, t.Columns())
	}
	return b.String()
}

func section(b *strings.Builder, name, doc string, columns []models.Column) {
	fmt.Fprintf(b, "\n### %s\n\n%s\n", name, doc)
	table(b, columns)
}

func table(b *strings.Builder, columns []models.Column) {
	b.WriteString("\n| column | type | meaning |\n|---|---|---|\n")
	for _, c := range columns {
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", c.Name, c.Type, strings.ReplaceAll(c.Doc, "|", "\\|"))
	}
}
