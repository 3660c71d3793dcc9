// Package reports turns the rows of one published run into what people read: KPI values with their evidence, measure
// summaries with gaps to goal, retention, a return-on-investment model, and work lists.
//
// It reads the tables of schema pub, always of one run (only the page about one patient also reads current facts), and asks the ledger for
// KPI imports, baselines and targets through Inputs. Everything a surface shows (workbook, JSON, command line) comes from
// the same values, so that they cannot disagree. What nothing measures is "no data" with a reason, never 0.
package reports
