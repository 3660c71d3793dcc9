package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"carereach/models"
)

// The oracle judges one patient on one day by asking the question of every fact, without spans, history or SQL. gap and
// gap_history must agree with it on every day up to the as-of date.

// oracleFact is one service, result or diagnosis that may have happened on any day from lo to hi.
type oracleFact struct {
	set      string
	ent      string
	lo, hi   models.Date
	done     bool
	value    float64
	resource string
}

type oraclePatient struct {
	id         string
	birth      models.Date
	female     bool
	dead       *models.Date
	visits     []models.Date
	services   []oracleFact
	tests      []oracleFact // HbA1c results
	conditions []oracleFact // lo: present from; hi: first day gone, 0 for never
}

// happened says whether f surely happened by day d and surely less than so many years before.
func (f oracleFact) covers(d models.Date, years int) bool {
	return f.hi <= d && d < f.lo.AddYears(years)
}

func (p oraclePatient) inDenominator(measure string, d models.Date) bool {
	inCare := slices.ContainsFunc(p.visits, func(v models.Date) bool { return v <= d && d < v.AddMonths(24) })
	if !inCare || p.birth > d || p.dead != nil && *p.dead <= d {
		return false
	}
	age := models.AgeOn(p.birth, d)
	switch measure {
	case "colorectal_screening":
		return age >= 45 && age <= 75
	case "breast_screening":
		return p.female && age >= 40 && age <= 74
	case "influenza_vaccination":
		return p.birth.AddMonths(6) <= d
	case "hba1c_poor_control":
		return age >= 18 && age <= 75 && p.has("diabetes", d)
	}
	panic(measure)
}

func (p oraclePatient) has(set string, d models.Date) bool {
	return slices.ContainsFunc(p.conditions, func(c oracleFact) bool { return c.set == set && c.lo <= d && (c.hi == 0 || d < c.hi) })
}

func (p oraclePatient) everHad(set string, d models.Date) bool {
	return slices.ContainsFunc(p.conditions, func(c oracleFact) bool { return c.set == set && c.lo <= d }) ||
		slices.ContainsFunc(p.services, func(s oracleFact) bool { return s.set == set && s.done && s.hi <= d })
}

func (p oraclePatient) excluded(measure string, d models.Date) bool {
	hospice := p.has("palliative", d) || slices.ContainsFunc(p.services, func(s oracleFact) bool { return s.set == "hospice" && s.done && s.covers(d, 1) })
	switch measure {
	case "colorectal_screening":
		return hospice || p.everHad("colorectal_cancer", d) || p.everHad("total_colectomy", d)
	case "breast_screening":
		return hospice || p.everHad("mastectomy_bilateral", d) || p.everHad("mastectomy_right", d) && p.everHad("mastectomy_left", d)
	}
	return hospice
}

func season(d models.Date) models.Date {
	start := models.NewDate(d.Year(), 7, 1)
	if start > d {
		start = start.AddYears(-1)
	}
	return start
}

func (p oraclePatient) met(measure string, d models.Date) bool {
	serviced := func(years map[string]int) bool {
		return slices.ContainsFunc(p.services, func(s oracleFact) bool { return years[s.set] > 0 && s.done && s.covers(d, years[s.set]) })
	}
	switch measure {
	case "colorectal_screening":
		return serviced(map[string]int{"colonoscopy": 10, "sigmoidoscopy": 5})
	case "breast_screening":
		return serviced(map[string]int{"mammography": 2})
	case "influenza_vaccination":
		return slices.ContainsFunc(p.services, func(s oracleFact) bool {
			return s.set == "influenza_vaccine" && s.done && s.hi <= d && season(s.lo) == season(d)
		})
	}
	last, lowest := models.Date(0), 0.0
	for _, o := range p.tests {
		if !o.done || o.hi > d || o.lo != o.hi || o.lo < last {
			continue
		}
		if o.lo > last || o.value < lowest {
			last, lowest = o.lo, o.value
		}
	}
	return last > 0 && d < last.AddYears(1) && lowest <= 9
}

// state is what gap_history must say of a day; "" for out of the denominator.
func (p oraclePatient) state(measure string, d models.Date) string {
	switch {
	case !p.inDenominator(measure, d):
		return ""
	case p.excluded(measure, d):
		return "excluded"
	case p.met(measure, d):
		return "covered"
	}
	return "open"
}

var oracleMeasures = []string{"breast_screening", "colorectal_screening", "hba1c_poor_control", "influenza_vaccination"}

// oracleDay draws a day of the last eleven years, often one on which a window of some rule opens or closes.
func oracleDay(t *rapid.T, asOf models.Date, label string) models.Date {
	if rapid.Bool().Draw(t, label+" at an edge") {
		years := rapid.SampledFrom([]int{0, 1, 2, 5, 10}).Draw(t, label+" years")
		return asOf.AddYears(-years).AddDays(rapid.IntRange(-1, 1).Draw(t, label+" days"))
	}
	return asOf.AddDays(-rapid.IntRange(-40, 4000).Draw(t, label))
}

func oracleFacts(t *rapid.T, asOf models.Date, what string, most int, sets ...string) (out []oracleFact) {
	for i := range rapid.IntRange(0, most).Draw(t, what) {
		label := fmt.Sprintf("%s %d", what, i)
		f := oracleFact{set: rapid.SampledFrom(sets).Draw(t, label+" set"), ent: fmt.Sprintf("%s%02d", what, i), lo: oracleDay(t, asOf, label), resource: "Procedure",
			done: rapid.IntRange(0, 9).Draw(t, label+" done") > 0, value: float64(rapid.IntRange(70, 110).Draw(t, label+" value")) / 10}
		f.hi = f.lo
		if rapid.IntRange(0, 9).Draw(t, label+" vague") == 0 {
			f.hi = f.lo.AddDays(rapid.IntRange(1, 500).Draw(t, label+" width"))
		}
		out = append(out, f)
	}
	return out
}

func oraclePopulation(t *rapid.T, asOf models.Date) (out []oraclePatient) {
	for i := range 12 {
		p := oraclePatient{id: fmt.Sprintf("p%02d", i), female: rapid.Bool().Draw(t, "female")}
		p.birth = asOf.AddYears(-rapid.SampledFrom([]int{0, 1, 17, 18, 39, 40, 44, 45, 60, 74, 75, 76}).Draw(t, "age")).AddDays(rapid.IntRange(-2, 2).Draw(t, "birthday"))
		if rapid.IntRange(0, 3).Draw(t, "any age") == 0 {
			p.birth = asOf.AddDays(-rapid.IntRange(0, 33000).Draw(t, "days old"))
		}
		if rapid.IntRange(0, 5).Draw(t, "dead") == 0 {
			d := oracleDay(t, asOf, "death")
			p.dead = &d
		}
		for range rapid.IntRange(0, 6).Draw(t, "visits") {
			if d := oracleDay(t, asOf, "visit"); d <= asOf {
				p.visits = append(p.visits, d)
			}
		}
		p.services = oracleFacts(t, asOf, "service", 8, "colonoscopy", "sigmoidoscopy", "mammography", "influenza_vaccine", "influenza_vaccine", "hospice", "mastectomy_right",
			"mastectomy_left", "mastectomy_bilateral", "total_colectomy")
		p.tests = oracleFacts(t, asOf, "test", 5, "hba1c")
		p.conditions = oracleFacts(t, asOf, "condition", 3, "diabetes", "diabetes", "palliative", "colorectal_cancer")
		for j, c := range p.conditions {
			p.conditions[j].hi = 0
			if rapid.IntRange(0, 3).Draw(t, "ends") == 0 {
				p.conditions[j].hi = c.lo.AddDays(rapid.IntRange(1, 900).Draw(t, "lasts"))
			}
		}
		out = append(out, p)
	}
	return out
}

// oracleCase writes the population as the staging tables of a case. Facts that may only have happened after the as-of date
// are left out, as staging does.
func oracleCase(population []oraclePatient, asOf models.Date) string {
	tables := map[string]*strings.Builder{}
	add := func(table, header, format string, args ...any) {
		if tables[table] == nil {
			tables[table] = &strings.Builder{}
			fmt.Fprintf(tables[table], "-- in/%s.csv --\n%s\n", table, header)
		}
		fmt.Fprintf(tables[table], format+"\n", args...)
	}
	for _, p := range population {
		sex, dead := "male", caseNull
		if p.female {
			sex = "female"
		}
		if p.dead != nil {
			dead = p.dead.String()
		}
		if p.birth > asOf {
			continue
		}
		add("attribution", "patient_id,bucket,point_on", "%s,1,%s", p.id, asOf)
		add("patients", "patient_id,bucket,birth_lo,birth_hi,sex,dead_from", "%s,1,%s,%s,%s,%s", p.id, p.birth, p.birth, sex, dead)
		for _, v := range p.visits {
			add("visits", "patient_id,bucket,visit_on", "%s,1,%s", p.id, v)
		}
		for _, s := range p.services {
			if s.lo <= asOf {
				add("services", "patient_id,bucket,valueset,resource,ent,done,on_lo,on_hi", "%s,1,%s,%s,%s,%v,%s,%s", p.id, s.set, s.resource, s.ent, s.done, s.lo, s.hi)
			}
		}
		for _, o := range p.tests {
			if o.lo <= asOf {
				add("observations", "patient_id,bucket,valueset,ent,done,on_lo,on_hi,value,unit,has_value,shown", "%s,1,%s,%s,%v,%s,%s,%g,%%,true,%g", p.id, o.set, o.ent, o.done, o.lo, o.hi, o.value, o.value)
			}
		}
		for _, c := range p.conditions {
			end := caseNull
			if c.hi != 0 {
				end = c.hi.String()
			}
			if c.lo <= asOf {
				add("conditions", "patient_id,bucket,valueset,ent,present_from,present_to", "%s,1,%s,%s,%s,%s", p.id, c.set, c.ent, c.lo, end)
			}
		}
	}
	var out strings.Builder
	fmt.Fprintf(&out, "A population drawn at random is judged as the oracle judges it.\n-- as_of --\n%s\n", asOf)
	out.WriteString("-- in/bp_control.csv --\npatient_id\n")
	for _, name := range []string{"patients", "attribution", "visits", "services", "observations", "conditions"} {
		if tables[name] != nil {
			out.WriteString(tables[name].String())
		}
	}
	return out.String()
}

// enough lets a property that runs a whole chain of relations rest after n draws that held; a failing one goes on, so that
// rapid can shrink it.
func enough(n int, property func(*rapid.T)) func(*rapid.T) {
	held, failed := 0, false
	return func(r *rapid.T) {
		if held >= n && !failed {
			return
		}
		ok := false
		defer func() { failed = failed || !ok }()
		property(r)
		ok = true
		held++
	}
}

// TestGapsAgreeWithAnOracle: on the as-of date and on any day before it status and history are what the plain reading of
// the rules gives, on the edges of every window above all.
func TestGapsAgreeWithAnOracle(t *testing.T) {
	b := newCaseBench(t)
	rapid.Check(t, enough(40, func(r *rapid.T) {
		asOf := models.NewDate(2024, 1, 1).AddDays(rapid.IntRange(0, 1500).Draw(r, "as-of date"))
		population := oraclePopulation(r, asOf)
		text := oracleCase(population, asOf) + "-- want/gap.csv --\npatient_id,measure,status,closed_by\n-- want/gap_history.csv --\npatient_id,measure,state,from_on,to_on\n"
		c := b.parse(t, "drawn", []byte(text))
		got := b.result(t, c)
		days := []models.Date{asOf, asOf.AddDays(-1)}
		for range 12 {
			days = append(days, min(oracleDay(r, asOf, "day"), asOf))
		}
		for _, p := range population {
			for _, m := range oracleMeasures {
				for _, d := range days {
					if was, is := historyOn(t, got["gap_history"], p.id, m, d), p.state(m, d); was != is {
						r.Fatalf("%s of %s on %s as of %s: history says %q, the oracle %q\n%s", m, p.id, d, asOf, was, is, text)
					}
				}
				if was, is := statusOf(got["gap"], p.id, m), p.state(m, asOf); was != is {
					r.Fatalf("%s of %s as of %s: gap says %q, the oracle %q\n%s", m, p.id, asOf, was, is, text)
				}
			}
		}
	}))
}

func historyOn(t *testing.T, rows [][]string, patient, measure string, d models.Date) string {
	t.Helper()
	for _, row := range rows {
		from, err := models.ParseDate(row[3])
		if err != nil {
			t.Fatal(err)
		}
		to := models.NewDate(9999, 12, 31)
		if row[4] != caseNull {
			if to, err = models.ParseDate(row[4]); err != nil {
				t.Fatal(err)
			}
		}
		if row[0] == patient && row[1] == measure && from <= d && d < to {
			return row[2]
		}
	}
	return ""
}

func statusOf(rows [][]string, patient, measure string) string {
	for _, row := range rows {
		if row[0] == patient && row[1] == measure {
			switch row[2] + " " + row[3] {
			case "open " + caseNull:
				return "open"
			case "closed care":
				return "covered"
			case "closed exclusion":
				return "excluded"
			}
			return row[2] + " " + row[3]
		}
	}
	return ""
}

// TestFourYearsChangeNothing: moving every date and the as-of date by four years, a whole cycle of the calendar, moves
// every day of the answer by as much and changes nothing else; neither do the order of the facts nor other patients.
func TestFourYearsChangeNothing(t *testing.T) {
	b := newCaseBench(t)
	const cycle = 1461
	const columns = "patient_id,measure,status,closed_by,reason,evidence_ent,due_on,evidence_on,opened_on,closed_on"
	answer := func(population []oraclePatient, asOf models.Date, days int) [][]string {
		rows := b.result(t, b.parse(t, "drawn", []byte(oracleCase(population, asOf)+"-- want/gap.csv --\n"+columns+"\n")))["gap"]
		for _, row := range rows {
			for i := 6; i < len(row); i++ {
				if d, err := models.ParseDate(row[i]); err == nil {
					row[i] = d.AddDays(days).String()
				}
			}
		}
		return rows
	}
	rapid.Check(t, enough(40, func(r *rapid.T) {
		asOf := models.NewDate(2022, 1, 1).AddDays(rapid.IntRange(0, 1500).Draw(r, "as-of date"))
		population := oraclePopulation(r, asOf)
		want := slices.DeleteFunc(answer(population, asOf, 0), func(row []string) bool { return row[0] >= "p06" })
		few := moved(slices.DeleteFunc(rapid.Permutation(population).Draw(r, "patients"), func(p oraclePatient) bool { return p.id >= "p06" }), cycle)
		for i := range few {
			slices.Reverse(few[i].services)
			slices.Reverse(few[i].tests)
			slices.Reverse(few[i].conditions)
			slices.Reverse(few[i].visits)
		}
		if d := cmp.Diff(want, answer(few, asOf.AddDays(cycle), -cycle)); d != "" {
			r.Fatalf("half of the patients, their facts turned round, four years on (-before +after):\n%s", d)
		}
	}))
}

func moved(population []oraclePatient, days int) (out []oraclePatient) {
	facts := func(in []oracleFact) (out []oracleFact) {
		for _, f := range in {
			f.lo = f.lo.AddDays(days)
			if f.hi != 0 {
				f.hi = f.hi.AddDays(days)
			}
			out = append(out, f)
		}
		return out
	}
	for _, p := range population {
		q := oraclePatient{id: p.id, female: p.female, birth: p.birth.AddDays(days), services: facts(p.services), tests: facts(p.tests), conditions: facts(p.conditions)}
		if p.dead != nil {
			d := p.dead.AddDays(days)
			q.dead = &d
		}
		for _, v := range p.visits {
			q.visits = append(q.visits, v.AddDays(days))
		}
		out = append(out, q)
	}
	return out
}
