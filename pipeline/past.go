package pipeline

import (
	"context"
	"encoding/json"
	"fmt"

	"carereach/models"
)

// foldPast folds what was known at a past moment into tables of the scratch database that hide those of the main one:
// cur_*, codes, person and subject. The statements are those of the fold itself, over views that stop at the positions.
func foldPast(ctx context.Context, on statements, main string, known KnownTo) error {
	logs, parts, ends := []string{}, []int32{}, []int64{}
	for _, e := range known {
		logs, parts, ends = append(logs, e.Log), append(parts, e.Partition), append(ends, e.Next)
	}
	f := &folder{on: on, hook: func(string) {}, full: true}
	if _, err := f.exec(ctx, "past_known", nil, asJSON(logs), asJSON(parts), asJSON(ends)); err != nil {
		return err
	}
	type pastType struct {
		foldType
		Main string
	}
	for _, t := range foldTypes(true) {
		for _, name := range []string{"past_versions", "past_current"} {
			if _, err := f.exec(ctx, name, pastType{t, quote(main)}); err != nil {
				return err
			}
		}
	}
	for _, name := range []string{"codes", "person"} {
		if _, err := f.exec(ctx, "past_current", pastType{foldType{Current: name}, quote(main)}); err != nil {
			return err
		}
	}
	var subjects []foldType
	for _, t := range foldTypes(true) {
		if t.Subject {
			subjects = append(subjects, t)
		}
	}
	if _, err := f.exec(ctx, "past_subject", map[string]any{"Main": quote(main), "Types": subjects}); err != nil {
		return err
	}
	fresh, _, err := f.arrived(ctx, -1)
	if err != nil {
		return err
	}
	return f.fold(ctx, -1, fresh)
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("pipeline: a list that cannot be written: " + err.Error()) // strings and integers always can
	}
	return string(b)
}

// within refuses positions that the store has not read up to.
func (k KnownTo) within(read KnownTo) error {
	have := map[LogEnd]int64{}
	for _, e := range read {
		have[LogEnd{Log: e.Log, Partition: e.Partition}] = e.Next
	}
	for _, e := range k {
		if n := have[LogEnd{Log: e.Log, Partition: e.Partition}]; e.Next > n {
			return &models.Error{Kind: models.KindNotFound,
				Message: fmt.Sprintf("log %s partition %d is read up to offset %d, the run asks for %d", e.Log, e.Partition, n, e.Next),
				Mend:    "let ingest catch up, or restore the log"}
		}
	}
	return nil
}
