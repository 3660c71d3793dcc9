package ledger

import (
	"bytes"

	"carereach/models"
)

// ConsentState is what the statements of a person amount to for one channel and purpose.
type ConsentState string

// The states. ConsentNone: nobody ever said anything.
const (
	ConsentGranted ConsentState = "granted"
	ConsentRefused ConsentState = "refused"
	ConsentExpired ConsentState = "expired"
	ConsentNone    ConsentState = "none"
)

// ConsentStanding is the state of one channel and purpose, with the row that decides it.
type ConsentStanding struct {
	Channel string       `json:"channel"`
	Purpose string       `json:"purpose"`
	State   ConsentState `json:"state"`
	Row     int64        `json:"row,omitempty"` // id of the deciding row; 0 for none
}

// strictness orders the states over the tokens of one person.
var strictness = map[ConsentState]int{ConsentRefused: 3, ConsentGranted: 2, ConsentExpired: 1, ConsentNone: 0}

// winners gives the newest version of every consent record, retracted ones left out.
func winners(rows []consentRecord) []Consent {
	newest := map[models.EntityID]int{}
	for i, r := range rows {
		if j, ok := newest[r.Ent]; !ok || bytes.Compare(rows[j].ord, r.ord) <= 0 {
			newest[r.Ent] = i
		}
	}
	var out []Consent
	for i, r := range rows {
		if newest[r.Ent] == i && !r.Retracted {
			out = append(out, r.Consent)
		}
	}
	return out
}

// strictest folds the standing of every token of a person into one.
func strictest(people [][]Consent, channel, purpose string, at models.Micros) ConsentStanding {
	out := ConsentStanding{Channel: channel, Purpose: purpose, State: ConsentNone}
	for _, statements := range people {
		state, row := standing(statements, channel, purpose, at)
		if strictness[state] > strictness[out.State] {
			out.State, out.Row = state, row
		}
	}
	return out
}

// standing judges the statements about one token. Times may be ranges (a date without a clock time): a grant stands only if
// it surely came after every revocation and expiry, so that doubt never leads to a message. A revocation is undone by such a
// grant alone; when that grant has run out the revocation holds again.
func standing(statements []Consent, channel, purpose string, at models.Micros) (ConsentState, int64) {
	var grant, revoked, expired *Consent
	end := models.MinMicros // the last instant of any revocation or expiry
	for i := range statements {
		s := &statements[i]
		c := s.Consent
		if c.Effective.Lo > at || (c.Channel != channel && c.Channel != anyScope) || (c.Purpose != purpose && c.Purpose != anyScope) {
			continue
		}
		switch {
		case c.Action == "granted" && (c.Expires == nil || *c.Expires > at):
			grant = later(grant, s)
		case c.Action == "granted":
			expired = later(expired, s)
		case c.Action == "revoked":
			revoked, end = later(revoked, s), max(end, c.Effective.Hi)
		default:
			expired, end = later(expired, s), max(end, c.Effective.Hi)
		}
	}
	switch {
	case grant != nil && grant.Consent.Effective.Lo > end:
		return ConsentGranted, grant.ID
	case revoked != nil:
		return ConsentRefused, revoked.ID
	case expired != nil:
		return ConsentExpired, expired.ID
	}
	return ConsentNone, 0
}

// later gives the statement that began later; b when they began together.
func later(a, b *Consent) *Consent {
	if a == nil || b.Consent.Effective.Lo >= a.Consent.Effective.Lo {
		return b
	}
	return a
}
