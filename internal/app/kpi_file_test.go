package app

import (
	"bytes"
	"strings"
	"testing"

	"carereach/models"
)

const kpiCSV = "kpi,month,site,value,source,owner\nstaff_hours,2026-05,,31.5,timesheets,Ops\nno_show_rate,2026-05-17,North,0.184,board,Ops\n"

// Columns in any order and a BOM give the same values; a day counts for its month.
func TestReadKPIFile(t *testing.T) {
	shuffled := "\ufeffOwner,value,KPI,source,site,month\nOps,31.5,staff_hours,timesheets,,2026-05\nOps,0.184,no_show_rate,board,North,2026-05-17\n"
	for _, body := range []string{kpiCSV, shuffled} {
		got, err := readKPIFile("k.csv", strings.NewReader(body))
		must(t, err)
		if len(got) != 2 || got[0].KPI != "staff_hours" || got[0].Value != "31.5" || got[1].Site != "North" || got[1].From != models.NewDate(2026, 5, 1) || got[1].Owner != "Ops" {
			t.Errorf("read %+v", got)
		}
	}
}

// Every mistake names its line and column and nothing of the file is imported.
func TestKPIFileMistakes(t *testing.T) {
	for name, c := range map[string]struct{ body, says string }{
		"empty":          {"", "line 1: no header"},
		"missing column": {"kpi,month,value,source,owner\n", "column site is missing"},
		"unknown kpi":    {"kpi,month,site,value,source,owner\nnonsense,2026-05,,1,x,y\n", "line 2: unknown kpi"},
		"month":          {"kpi,month,site,value,source,owner\nstaff_hours,May,,1,x,y\n", "line 2: month"},
		"percent":        {"kpi,month,site,value,source,owner\nno_show_rate,2026-05,,18.4,x,y\n", "line 2: value"},
		"ragged":         {kpiCSV + "staff_hours,2026-05\n", "line 4: not a row"},
		"stray quote":    {kpiCSV + "staff\"hours,2026-05,,1,x,y\n", "line 4: not a row"},
	} {
		got, err := readKPIFile("k.csv", strings.NewReader(c.body))
		if models.KindOf(err) != models.KindInvalid || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %d values, %v; want %q", name, len(got), err, c.says)
		}
	}
}

func FuzzReadKPIFile(f *testing.F) {
	f.Add([]byte(kpiCSV))
	f.Add([]byte("kpi,month,site,value,source,owner\n\"\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		values, err := readKPIFile("fuzz", bytes.NewReader(b))
		if err != nil && len(values) > 0 {
			t.Error("values beside an error")
		}
		for _, v := range values {
			if _, ok := models.KPIByID(v.KPI); !ok || v.Value == "" {
				t.Errorf("a value of no KPI was let through")
			}
		}
	})
}
