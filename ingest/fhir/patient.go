package fhir

import (
	"strings"
	"time"

	"carereach/models"
)

const (
	usRace      = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race"
	usEthnicity = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-ethnicity"
	usBirthSex  = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex"
	addressCode = "http://hl7.org/fhir/StructureDefinition/iso21090-SC-coding"
)

// patient sets what a Patient has beyond its paths, its Identity and its links.
func (d *Decoder) patient(r *resource) *models.Reject {
	if rej := d.deceased(r); rej != nil {
		return rej
	}
	if rej := d.usCore(r); rej != nil {
		return rej
	}
	language, rej := preferredLanguage(r.value)
	if rej != nil {
		return rej
	}
	if language != "" {
		r.set("language", d.words.word([]byte(language)))
	}
	who, rej := d.identity(r)
	if rej != nil {
		return rej
	}
	if rej := r.each("link", func(link value) *models.Reject { return d.link(r, link) }); rej != nil {
		return rej
	}
	r.set("has_mobile", reachable(who, isMobile))
	r.set("has_phone", reachable(who, isPhone))
	r.set("has_email", reachable(who, func(c models.ContactPoint) bool { return c.System == "email" }))
	return nil
}

// deceased: a date of death says as well that the person has died.
func (d *Decoder) deceased(r *resource) *models.Reject {
	if r.get("deceased_at") == nil {
		return nil
	}
	if r.get("deceased") == any(false) {
		return badValue("deceased[x]", "one type of value, not several")
	}
	r.set("deceased", true)
	return nil
}

// usCore reads race and ethnicity (the first OMB category that is given) and birth sex.
func (d *Decoder) usCore(r *resource) *models.Reject {
	return r.each("extension", func(ext value) *models.Reject {
		url, rej := ext.bytes("url")
		if rej != nil {
			return rej
		}
		switch string(url) {
		case usRace:
			return d.ombCategory(r, "race", ext)
		case usEthnicity:
			return d.ombCategory(r, "ethnicity", ext)
		case usBirthSex:
			m := ext.member("valueCode")
			if m.absent() {
				return nil
			}
			sex, rej := d.textOf(m, false)
			if rej != nil {
				return under("valueCode", rej)
			}
			r.set("birth_sex", sex)
		}
		return nil
	})
}

func (d *Decoder) ombCategory(r *resource, column string, ext value) *models.Reject {
	return ext.each("extension", func(part value) *models.Reject {
		url, rej := part.bytes("url")
		if rej != nil || string(url) != "ombCategory" || r.get(column) != nil {
			return rej
		}
		coding, rej := part.object("valueCoding")
		if rej != nil || coding.absent() {
			return rej
		}
		got, rej := d.coding(coding)
		r.set(column, got)
		return under("valueCoding", rej)
	})
}

// preferredLanguage gives the language marked as preferred, else the only one there is, else "".
func preferredLanguage(v value) (string, *models.Reject) {
	var preferred, only string
	n := 0
	rej := v.each("communication", func(c value) *models.Reject {
		n++
		wanted, rej := c.flag("preferred")
		if rej != nil {
			return rej
		}
		spoken, rej := c.object("language")
		if rej != nil {
			return rej
		}
		rej = spoken.each("coding", func(coding value) *models.Reject {
			code, rej := coding.text("code")
			if rej != nil {
				return rej
			}
			tag := models.NormalLanguage(code)
			if only == "" {
				only = tag
			}
			if preferred == "" && wanted != nil && *wanted {
				preferred = tag
			}
			return nil
		})
		return under("language", rej)
	})
	if preferred != "" || n != 1 {
		return preferred, rej
	}
	return only, rej
}

// identity reads what goes to the vault and sets the columns that come from the address.
func (d *Decoder) identity(r *resource) (*models.Identity, *models.Reject) {
	who := &models.Identity{}
	r.fact.Identity = who
	var rej *models.Reject
	if who.Names, rej = names(r.value); rej != nil {
		return nil, rej
	}
	if who.Telecom, rej = telecom(r.value, r.receivedAt); rej != nil {
		return nil, rej
	}
	if who.Identifiers, rej = identifiers(r.value); rej != nil {
		return nil, rej
	}
	return who, d.addresses(r, who)
}

func names(v value) ([]models.HumanName, *models.Reject) {
	var out []models.HumanName
	rej := v.each("name", func(item value) *models.Reject {
		n, rej := humanName(item)
		if rej == nil && (n.Text != "" || n.Family != "" || len(n.Given) > 0) {
			out = append(out, n)
		}
		return rej
	})
	return out, rej
}

func humanName(v value) (n models.HumanName, rej *models.Reject) {
	if rej = v.fill(field{"use", &n.Use}, field{"text", &n.Text}, field{"family", &n.Family}); rej != nil {
		return n, rej
	}
	if n.Given, rej = v.texts("given"); rej != nil {
		return n, rej
	}
	if n.Prefix, rej = v.texts("prefix"); rej != nil {
		return n, rej
	}
	n.Suffix, rej = v.texts("suffix")
	return n, rej
}

// telecom reads contact points; one whose period has ended counts as old.
func telecom(v value, receivedAt time.Time) ([]models.ContactPoint, *models.Reject) {
	var out []models.ContactPoint
	rej := v.each("telecom", func(item value) *models.Reject {
		var c models.ContactPoint
		rej := item.fill(field{"system", &c.System}, field{"value", &c.Value})
		if rej != nil {
			return rej
		}
		if c.Use, rej = currentUse(item, receivedAt); rej != nil {
			return rej
		}
		if rank := item.member("rank"); !rank.absent() {
			n, err := rank.Int()
			if err != nil {
				return badValue("rank", "a whole number")
			}
			c.Rank = n
		}
		if c.Value != "" {
			out = append(out, c)
		}
		return nil
	})
	return out, rej
}

// currentUse gives the use of a contact point or address, "old" when its period ended before receivedAt.
func currentUse(v value, receivedAt time.Time) (string, *models.Reject) {
	use, rej := v.text("use")
	if rej != nil {
		return "", rej
	}
	period, rej := v.object("period")
	if rej != nil {
		return "", rej
	}
	end, rej := period.time("end")
	if rej != nil {
		return "", under("period", rej)
	}
	if end != nil && end.Hi < models.Micros(receivedAt.UnixMicro()) {
		return "old", nil
	}
	return use, nil
}

func identifiers(v value) ([]models.Identifier, *models.Reject) {
	var out []models.Identifier
	rej := v.each("identifier", func(item value) *models.Reject {
		var id models.Identifier
		if rej := item.fill(field{"system", &id.System}, field{"value", &id.Value}); rej != nil {
			return rej
		}
		kind, rej := item.object("type")
		if rej != nil {
			return rej
		}
		if id.Type, rej = identifierType(kind); rej != nil {
			return under("type", rej)
		}
		if id.Value != "" {
			out = append(out, id)
		}
		return nil
	})
	return out, rej
}

// identifierType gives the code of HL7 table 0203 (MR, SS ...), "" when there is none.
func identifierType(v value) (string, *models.Reject) {
	var code string
	rej := v.each("coding", func(c value) *models.Reject {
		system, rej := c.text("system")
		if rej != nil {
			return rej
		}
		if table := models.NormalSystem(system); code == "" && strings.HasSuffix(table, "/v2-0203") {
			code, rej = c.text("code")
		}
		return rej
	})
	return code, rej
}

// addresses reads all addresses into the vault's part and the best home address into the columns.
func (d *Decoder) addresses(r *resource, who *models.Identity) *models.Reject {
	best, bestRank, mail := home{}, notHome, false
	rej := r.each("address", func(item value) *models.Reject {
		a, rej := address(item, r.receivedAt)
		if rej != nil {
			return rej
		}
		kind, rej := item.text("type")
		if rej != nil {
			return rej
		}
		fips, rej := countyCode(item)
		if rej != nil {
			return rej
		}
		who.Addresses = append(who.Addresses, a)
		mail = mail || a.Use != "old" && len(a.Line) > 0
		if rank := homeRank(a.Use, kind); rank < bestRank {
			best, bestRank = home{a, fips}, rank
		}
		return nil
	})
	if rej != nil || r.fact.Type != "Patient" {
		return rej
	}
	r.set("has_address", mail)
	county := best.District
	if best.fips != "" {
		county = best.fips
	}
	for _, c := range [...]struct{ column, text string }{{"city", best.City}, {"state", best.State}, {"zip", best.PostalCode}, {"county", county}} {
		if c.text != "" {
			r.set(c.column, d.words.word([]byte(c.text)))
		}
	}
	return nil
}

type home struct {
	models.Address
	fips string
}

const notHome = 9

// homeRank orders addresses by how surely they are where the person lives, the best first.
func homeRank(use, kind string) int {
	rank := notHome
	switch use {
	case "home":
		rank = 0
	case "":
		rank = 2
	case "temp":
		rank = 4
	}
	if kind == "postal" && rank < notHome {
		rank++
	}
	return rank
}

// address reads an Address; one that is only text keeps it as its line.
func address(v value, receivedAt time.Time) (a models.Address, rej *models.Reject) {
	if a.Use, rej = currentUse(v, receivedAt); rej != nil {
		return a, rej
	}
	if a.Line, rej = v.texts("line"); rej != nil {
		return a, rej
	}
	var text string
	rej = v.fill(field{"city", &a.City}, field{"district", &a.District}, field{"state", &a.State}, field{"postalCode", &a.PostalCode},
		field{"country", &a.Country}, field{"text", &text})
	if len(a.Line) == 0 && text != "" {
		a.Line = []string{text}
	}
	return a, rej
}

// countyCode gives the five-digit FIPS code that an extension of the district carries, or the district itself when it is
// one; "" for neither.
func countyCode(v value) (string, *models.Reject) {
	district, rej := v.text("district")
	if rej != nil || isFIPS(district) {
		return district, rej
	}
	more, rej := v.object("_district")
	if rej != nil {
		return "", rej
	}
	var code string
	rej = more.each("extension", func(ext value) *models.Reject {
		url, rej := ext.bytes("url")
		if rej != nil || string(url) != addressCode {
			return rej
		}
		coding, rej := ext.object("valueCoding")
		if rej != nil {
			return rej
		}
		text, rej := coding.text("code")
		if isFIPS(text) && code == "" {
			code = text
		}
		return under("valueCoding", rej)
	})
	return code, under("_district", rej)
}

func isFIPS(s string) bool { return len(s) == 5 && strings.Trim(s, "0123456789") == "" }

func isMobile(c models.ContactPoint) bool {
	return c.System == "sms" || c.System == "phone" && c.Use == "mobile"
}

func isPhone(c models.ContactPoint) bool { return c.System == "sms" || c.System == "phone" }

func reachable(who *models.Identity, is func(models.ContactPoint) bool) bool {
	for _, c := range who.Telecom {
		if c.Use != "old" && is(c) {
			return true
		}
	}
	return false
}

// link adds a PersonLink fact for a link that joins two records of one person: the record replaced is the subject, the
// other one the survivor. The fact belongs to the Patient that states it and has its version.
func (d *Decoder) link(r *resource, link value) *models.Reject {
	kind, rej := link.text("type")
	if rej != nil || kind != "replaced-by" && kind != "replaces" {
		return rej
	}
	other, rej := link.object("other")
	if rej != nil {
		return rej
	}
	ref, f, rej := d.resolve(other)
	switch {
	case rej != nil:
		return under("other", rej)
	case f != toResource || ref.Type != "Patient":
		return badValue("other", "a reference to the other Patient, as Patient/<id>")
	case ref.ID == r.fact.ID:
		return &models.Reject{Reason: models.ReasonMergeCycle, Where: "other", Detail: "the patient is linked to itself", Mend: "correct the link at the source"}
	}
	replaced, survivor := r.fact.Subject, ref
	if kind == "replaces" {
		replaced, survivor = ref, r.fact.Subject
	}
	fact := models.NewFact("PersonLink", r.fact.ID+"/link/"+ref.ID)
	fact.Subject, fact.Version = replaced, r.fact.Version
	fact.Set("survivor", survivor)
	fact.Set("linked", true)
	r.more = append(r.more, fact)
	return nil
}

// relatedPerson reads who a family contact is.
func (d *Decoder) relatedPerson(r *resource) *models.Reject {
	who, rej := d.identity(r)
	if rej != nil {
		return rej
	}
	who.Related = r.fact.ID
	who.Relation, _ = r.get("relationship").([]string)
	return nil
}
