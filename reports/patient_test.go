package reports

import (
	"context"
	"strings"
	"testing"
	"time"

	"carereach/internal/store"
	"carereach/models"
)

// patientStore holds two records of one person, p1 standing for p2, with a visit and a claim under it, and a stranger's visit.
func patientStore(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.OpenMemory(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	err = s.Pipeline(context.Background(), func(tx *store.Tx) error {
		for _, q := range []string{
			"INSERT INTO subject VALUES (1, '00000000-0000-0000-0000-000000000001', 0, false), (2, '00000000-0000-0000-0000-000000000002', 0, false), (3, '00000000-0000-0000-0000-000000000003', 0, false)",
			"INSERT INTO person VALUES (2, 1)",
			"INSERT INTO cur_encounter (pid, pid0, k, ent, source, version, known_at, status, class, period_sl, period_off) VALUES (1, 2, 1, '00000000-0000-0000-0000-0000000000e1', 'ehr', 0, TIMESTAMP '2026-01-01', 'finished', 'x|AMB', TIMESTAMP '2026-02-03 10:00:00', 0), (3, 3, 2, '00000000-0000-0000-0000-0000000000e2', 'ehr', 0, TIMESTAMP '2026-01-01', 'finished', 'x|AMB', TIMESTAMP '2026-02-04 10:00:00', 0)",
			"INSERT INTO cur_claim (pid, pid0, k, ent, source, version, known_at, status, service_period_sl, paid) VALUES (1, 1, 3, '00000000-0000-0000-0000-0000000000c1', 'ehr', 0, TIMESTAMP '2026-01-01', 'paid', TIMESTAMP '2026-02-02', 12.5)",
			"INSERT INTO pub.patient (run_id, patient_id, bucket, age, sex, language, deceased, can_sms, can_email, can_voice, can_mail, can_call, last_visit_on) VALUES ('r', '00000000000000000000000000000001', 0, 61, 'female', 'es', false, true, false, false, true, false, DATE '2026-02-03')",
			"INSERT INTO pub.gap (run_id, patient_id, bucket, measure, measure_version, grp, period_start, period_end, as_of, status, due, due_on, reason) VALUES ('r', '00000000000000000000000000000001', 0, 'breast_screening', '1', '1', DATE '2026-01-01', DATE '2026-12-31', DATE '2026-06-30', 'open', 'overdue', DATE '2025-01-01', 'NotFound')",
		} {
			if _, err := tx.Exec(context.Background(), q); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func token(last byte) models.PatientID {
	var id models.PatientID
	id[15] = last
	return id
}

// Either token of a merged person shows the whole person, newest first, and nobody else; a limit says how much it left out.
func TestHistoryIsThePersons(t *testing.T) {
	s := patientStore(t)
	for _, asked := range []models.PatientID{token(1), token(2)} {
		err := s.Read(context.Background(), func(tx *store.Tx) error {
			list, err := History(context.Background(), tx, asked, 10)
			if err != nil {
				return err
			}
			if list.Total != 2 || list.Shown != 2 || list.Rows[0].Kind != "visit" || list.Rows[1].Kind != "claim" {
				t.Errorf("asked by %s: %+v", asked, list)
			}
			if at := list.Rows[0].At; at == nil || !at.Equal(time.Date(2026, 2, 3, 10, 0, 0, 0, time.UTC)) || list.Rows[0].Day {
				t.Errorf("the visit is shown at %v", at)
			}
			if what := list.Rows[1].What; !strings.Contains(what, "12.50") || !list.Rows[1].Day {
				t.Errorf("the claim is shown as %q, day only %v", what, list.Rows[1].Day)
			}
			cut, err := History(context.Background(), tx, asked, 1)
			if cut.Total != 2 || cut.Shown != 1 || cut.LeftOut() != 1 {
				t.Errorf("limited: %+v", cut)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestProfile(t *testing.T) {
	s := patientStore(t)
	run := Run{ID: "r", AsOf: models.NewDate(2026, 6, 30)}
	err := s.Read(context.Background(), func(tx *store.Tx) error {
		p, err := ReadProfile(context.Background(), tx, run, []models.PatientID{token(2), token(1)})
		if err != nil {
			return err
		}
		if !p.InRun || p.Age == nil || *p.Age != 61 || p.Sex != "female" || p.Language != "es" || strings.Join(p.Reach, " ") != "sms mail" || p.LastVisit.String() != "2026-02-03" {
			t.Errorf("profile %+v", p)
		}
		if len(p.Gaps) != 1 || p.Gaps[0].Measure != "breast_screening" || p.Gaps[0].Reason != "NotFound" {
			t.Errorf("gaps %+v", p.Gaps)
		}
		stranger, err := ReadProfile(context.Background(), tx, run, []models.PatientID{token(3)})
		if stranger.InRun || stranger.Age != nil || len(stranger.Gaps) != 0 {
			t.Errorf("somebody who is not in the run: %+v", stranger)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
