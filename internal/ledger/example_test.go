package ledger_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"carereach/internal/ledger"
	"carereach/models"
)

// A patient's name is sealed when it arrives, and opened by whoever has written down that they look.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "ledger-example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	if err := ledger.CreateKeys(filepath.Join(dir, "keys")); err != nil {
		fmt.Println(err)
		return
	}
	keys, err := ledger.LoadKeys(filepath.Join(dir, "keys"))
	if err != nil {
		fmt.Println(err)
		return
	}
	l, err := ledger.Open(ctx, ledger.Options{Dir: dir, Sink: filepath.Join(dir, "audit.sink"), Keys: keys})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()

	patient := keys.PatientToken("clinic", "ehr", "p-17")
	_, err = l.PutIdentities(ctx, []ledger.IdentityRow{{
		Patient: patient, Ent: keys.Entity("clinic", "ehr", "Patient", "p-17"), Kind: ledger.OfPatient, Order: ledger.Order{Version: 1, KnownAt: time.Now()},
		Identity: models.Identity{Names: []models.HumanName{{Family: "Example", Given: []string{"Erin"}}}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = l.Identity(ctx, ledger.AuditRef{}, patient)
	fmt.Println("without an audit row:", models.KindOf(err))

	ref, err := l.AppendAudit(ctx, ledger.AuditEntry{Actor: "ada", Purpose: "treatment", Action: "patient.show", Subjects: []models.PatientID{patient}})
	if err != nil {
		fmt.Println(err)
		return
	}
	records, err := l.Identity(ctx, ref, patient)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("with one:", records[0].Identity.Names[0].Given[0])
	// Output:
	// without an audit row: refused
	// with one: Erin
}
