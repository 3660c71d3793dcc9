package fhir

import (
	"strings"

	"carereach/models"
)

// set puts v at a column of the resource's fact; a column that its type has not is a fault of ours and panics.
func (r *resource) set(column string, v any) { r.fact.Values[r.plan.column(column)] = v }

// get gives what is at a column, nil when nothing is or the type has no such column.
func (r *resource) get(column string) any {
	if i, ok := r.plan.columns[column]; ok {
		return r.fact.Values[i]
	}
	return nil
}

// practitioner sets the name shown on lists.
func (d *Decoder) practitioner(r *resource) *models.Reject {
	all, rej := names(r.value)
	if rej != nil {
		return rej
	}
	best, bestRank := "", 4
	for _, n := range all {
		rank, known := map[string]int{"official": 0, "usual": 1, "": 2, "nickname": 3}[n.Use]
		if known && rank < bestRank {
			best, bestRank = display(n), rank
		}
	}
	if best != "" {
		r.set("label", best)
	}
	return nil
}

func display(n models.HumanName) string {
	if n.Text != "" {
		return n.Text
	}
	var parts []string
	parts = append(append(parts, n.Prefix...), n.Given...)
	if n.Family != "" {
		parts = append(parts, n.Family)
	}
	return strings.Join(append(parts, n.Suffix...), " ")
}

// encounter keeps family members out of the clinicians: a participant may be either.
func (d *Decoder) encounter(r *resource) *models.Reject {
	ref, ok := r.get("practitioner").(models.Ref)
	if !ok || ref.Type != "RelatedPerson" {
		return nil
	}
	r.set("practitioner", nil)
	return r.each("participant", func(item value) *models.Reject {
		who, rej := d.refTo(item, "individual", "Practitioner", "PractitionerRole")
		if who != nil && r.get("practitioner") == nil {
			r.set("practitioner", who)
		}
		return rej
	})
}

// appointment sets with whom and where it is booked, and who cancelled it as far as the reason tells.
func (d *Decoder) appointment(r *resource) *models.Reject {
	rej := r.each("participant", func(item value) *models.Reject {
		who, rej := d.refTo(item, "actor", "Practitioner", "PractitionerRole")
		if rej != nil {
			return rej
		}
		where, rej := d.refTo(item, "actor", "Location")
		if who != nil && r.get("practitioner") == nil {
			r.set("practitioner", who)
		}
		if where != nil && r.get("location") == nil {
			r.set("location", where)
		}
		return rej
	})
	if rej != nil {
		return rej
	}
	reasons, _ := r.get("cancel_reason").([]string)
	for _, key := range reasons {
		if by := cancelledBy(key); by != "" {
			r.set("cancelled_by", by)
			break
		}
	}
	return nil
}

// cancelledBy reads the code system of cancellation reasons: its codes are grouped under pat (patient) and prov
// (provider), maint is equipment of the provider.
func cancelledBy(key string) string {
	system, code := models.SplitCode(key)
	group, _, _ := strings.Cut(code, "-")
	switch {
	case system != "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason":
		return ""
	case group == "pat":
		return "patient"
	case group == "prov" || group == "maint":
		return "provider"
	}
	return ""
}

// observation marks a result that is free text and takes one that is a whole number.
func (d *Decoder) observation(r *resource) *models.Reject {
	text, rej := r.bytes("valueString")
	if rej != nil {
		return rej
	}
	if len(text) > 0 {
		r.set("value_text", true)
	}
	if r.member("valueInteger").absent() {
		return nil
	}
	number, rej := d.numberOf(r.value)
	r.set("value", number)
	return rej
}

// medicationRequest takes the medicine from a contained Medication when the order refers to one.
func (d *Decoder) medicationRequest(r *resource) *models.Reject {
	m, rej := r.object("medicationReference")
	if rej != nil || m.absent() || r.get("code") != nil {
		return rej
	}
	ref, rej := m.text("reference")
	if rej != nil {
		return under("medicationReference", rej)
	}
	local, contained := strings.CutPrefix(ref, "#")
	if !contained {
		return nil
	}
	return r.each("contained", func(c value) *models.Reject {
		name, rej := c.text("resourceType")
		if rej != nil || name != "Medication" {
			return rej
		}
		id, rej := c.text("id")
		if rej != nil || id != local {
			return rej
		}
		codes, rej := d.codesOf(c, "code")
		r.set("code", listOrNil(codes))
		return rej
	})
}

// coverage sets who pays. A payor that is a person is the patient or the family itself; its display is a name.
func (d *Decoder) coverage(r *resource) *models.Reject {
	return r.each("payor", func(payor value) *models.Reject {
		ref, _, rej := d.resolve(payor)
		if rej != nil {
			return rej
		}
		class := "self-pay"
		if ref.Type != "Patient" && ref.Type != "RelatedPerson" {
			display, rej := payor.text("display")
			if rej != nil {
				return rej
			}
			class = models.PayerClass(display)
		}
		if class != "" && r.get("payer") == nil {
			r.set("payer", class)
		}
		if ref.Type == "Organization" && r.get("payer_org") == nil {
			r.set("payer_org", ref)
		}
		return nil
	})
}

// claim sets amounts, payer, services, diagnoses, the visit and the billing organisation.
func (d *Decoder) claim(r *resource) *models.Reject {
	if rej := firstOf(d.claimTotal(r), d.claimPayer(r), d.claimItems(r), d.claimDiagnoses(r)); rej != nil {
		return rej
	}
	organization, rej := d.refTo(r.value, "provider", "Organization")
	r.set("organization", organization)
	return rej
}

func (d *Decoder) claimTotal(r *resource) *models.Reject {
	total, rej := r.object("total")
	if rej != nil || total.absent() {
		return rej
	}
	amount, rej := d.money(total)
	if rej != nil {
		return under("total", rej)
	}
	r.set("billed", amount)
	if c := total.member("currency"); !c.absent() {
		code, rej := d.textOf(c, false)
		r.set("currency", code)
		return under("total.currency", rej)
	}
	return nil
}

// claimPayer takes the payer from the coverage that the claim is focused on, else from the first that names one, else
// from the insurer.
func (d *Decoder) claimPayer(r *resource) *models.Reject {
	focused := false
	class := ""
	rej := r.each("insurance", func(item value) *models.Reject {
		focal, rej := item.flag("focal")
		if rej != nil {
			return rej
		}
		found, rej := payerOf(item, "coverage")
		if isFocal := focal != nil && *focal; found != "" && !focused && (class == "" || isFocal) {
			class, focused = found, isFocal
		}
		return rej
	})
	if rej == nil && class == "" {
		class, rej = payerOf(r.value, "insurer")
	}
	if class != "" {
		r.set("payer", class)
	}
	return rej
}

func payerOf(v value, key string) (string, *models.Reject) {
	m, rej := v.object(key)
	if rej != nil {
		return "", rej
	}
	display, rej := m.text("display")
	return models.PayerClass(display), under(key, rej)
}

func (d *Decoder) claimItems(r *resource) *models.Reject {
	var services []string
	rej := r.each("item", func(item value) *models.Reject {
		service, rej := item.object("productOrService")
		if rej != nil {
			return rej
		}
		if services, rej = d.codes(services, service); rej != nil {
			return under("productOrService", rej)
		}
		return item.each("encounter", func(visit value) *models.Reject {
			ref, rej := d.ref(visit)
			if ref != nil && r.get("encounter") == nil {
				r.set("encounter", ref)
			}
			return rej
		})
	})
	r.set("service", listOrNil(services))
	return rej
}

func (d *Decoder) claimDiagnoses(r *resource) *models.Reject {
	var codes []string
	rej := r.each("diagnosis", func(item value) *models.Reject {
		concept, rej := item.object("diagnosisCodeableConcept")
		if rej != nil {
			return rej
		}
		codes, rej = d.codes(codes, concept)
		return under("diagnosisCodeableConcept", rej)
	})
	r.set("diagnosis", listOrNil(codes))
	return rej
}
