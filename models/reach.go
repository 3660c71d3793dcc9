package models

// Reach says by which means a person can be reached, without saying where: what the analytics store keeps of an Identity.
type Reach struct {
	Mobile  bool // a telephone number that is said to be a mobile
	Phone   bool // any telephone number
	Email   bool
	Address bool // a street address, not only a town
}

// Reach looks through contact points and addresses in use; those marked old do not count.
func (id *Identity) Reach() Reach {
	var r Reach
	if id == nil {
		return r
	}
	for _, t := range id.Telecom {
		if t.Value == "" || t.Use == "old" {
			continue
		}
		switch t.System {
		case "phone", "sms":
			r.Phone = true
			r.Mobile = r.Mobile || t.Use == "mobile" || t.System == "sms"
		case "email":
			r.Email = true
		}
	}
	for _, a := range id.Addresses {
		r.Address = r.Address || (len(a.Line) > 0 && a.Use != "old")
	}
	return r
}
