package models

import (
	"encoding/hex"
	"fmt"
	"strconv"
)

// Key128 is a keyed 128-bit hash. Its text form is 32 lower-case hex digits.
type Key128 [16]byte

func (k Key128) String() string { return hex.EncodeToString(k[:]) }

// IsZero reports whether k was never set.
func (k Key128) IsZero() bool { return k == Key128{} }

// ParseKey128 reads 32 hex digits, with or without the hyphens of a UUID.
func ParseKey128(s string) (Key128, error) {
	var k Key128
	plain := make([]byte, 0, 32)
	for i := range len(s) {
		if s[i] != '-' {
			plain = append(plain, s[i])
		}
	}
	if len(plain) != 32 {
		return k, &Error{Kind: KindUsage, Message: "an id has 32 hex digits", Mend: "copy it from a list of carereach"}
	}
	if _, err := hex.Decode(k[:], plain); err != nil {
		return k, &Error{Kind: KindUsage, Message: "an id has hex digits only", Mend: "copy it from a list of carereach"}
	}
	return k, nil
}

// PatientID is a patient's token: HMAC(tenant key; tenant, source, the source's own patient id). It names a patient
// everywhere outside the vault and is no identifier of the real world.
type PatientID Key128

func (p PatientID) String() string { return Key128(p).String() }

// Bucket is the first byte of the token, 0..255: the unit in which relations can be run piecewise.
func (p PatientID) Bucket() int { return int(p[0]) }

// ParsePatientID reads a token as printed by String.
func ParsePatientID(s string) (PatientID, error) {
	k, err := ParseKey128(s)
	if err != nil {
		return PatientID{}, fmt.Errorf("patient token: %w", err)
	}
	return PatientID(k), nil
}

// EntityID names one resource of one source: a keyed hash of (tenant, source, type, resource id). Evidence points at it.
type EntityID Key128

func (e EntityID) String() string { return Key128(e).String() }

// RunID is the hash of a run's inputs, 32 hex digits.
type RunID string

// MeasureID names a measure, "colorectal_screening" for our own rules.
type MeasureID string

// KPIID names a KPI, "no_show_rate".
type KPIID string

// UserID names a user of this installation.
type UserID string

// Source names where facts come from, as configured: lower-case letters, digits and hyphens.
type Source string

// Position is where our log holds an input: record Offset of partition Partition, and the entry inside it (a Bundle
// has many, anything else has entry 0).
type Position struct {
	Log       string
	Partition int32
	Offset    int64
	Entry     int32
}

func (p Position) String() string {
	return p.Log + "/" + strconv.Itoa(int(p.Partition)) + "@" + strconv.FormatInt(p.Offset, 10) + "." + strconv.Itoa(int(p.Entry))
}
