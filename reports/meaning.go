package reports

// Meaning is what a change is worth in money, where a formula for it is stated.
type Meaning struct {
	Amount  *Number `json:"amount"` // positive is good for the organisation; nil: see Reason
	Formula string  `json:"formula,omitempty"`
	Reason  string  `json:"reason,omitempty"` // why there is no amount
}
