package main

// trouble makes the lines that a real feed brings beside good ones. Each has exactly one outcome, named in the test of the
// demo: quarantined unless it says otherwise.
func (c *clinic) trouble() {
	c.bad = []string{
		`{"resourceType":"Observation","id":"bad-1","status":"final","subject":{"reference":"Patient/p-0001"},"code":{"coding":[`, // cut short
		`{"resourceType":"Observation","id":"bad-2","status":"final","subject":{"reference":"Patient/p-0001"},"code":{"coding":[{"system":"http://loinc.org","code":"4548-4"}]},"effectiveDateTime":"2026-02-30"}`,
		`{"resourceType":"Observation","id":"bad-3","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"4548-4"}]},"effectiveDateTime":"2026-02-03"}`,                                                                                    // nobody's
		`{"resourceType":"Procedure","id":"bad-4","status":"completed","subject":{"reference":"Patient/p-0002"},"code":{"coding":[{"system":"http://www.nlm.nih.gov/research/umls/hcpcs","code":"G0121"}]},"performedDateTime":"2199-01-01"}`,                // in the future
		`{"resourceType":"Condition","subject":{"reference":"Patient/p-0001"},"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"I10"}]}}`,                                                                                              // without id
		`{"resourceType":"AllergyIntolerance","id":"alg-1","patient":{"reference":"Patient/p-0001"},"code":{"text":"nuts"}}`,                                                                                                                                 // ignored: not needed
		`{"resourceType":"Organization","id":"org-9","active":true,"name":"Closed Clinic"}`,                                                                                                                                                                  // stored
		`{"resourceType":"Organization","id":"org-9","active":true,"name":"Closed Clinic"}`,                                                                                                                                                                  // duplicate
		`{"resourceType":"Procedure","id":"pro-retracted","status":"entered-in-error","subject":{"reference":"Patient/p-0003"},"code":{"coding":[{"system":"http://www.nlm.nih.gov/research/umls/hcpcs","code":"G0121"}]},"performedDateTime":"2026-01-05"}`, // stored, counts for nothing
		`{"resourceType":"Procedure","id":"pro-stranger","status":"completed","subject":{"reference":"Patient/p-9999"},"code":{"coding":[{"system":"http://www.nlm.nih.gov/research/umls/hcpcs","code":"G0121"}]},"performedDateTime":"2026-01-05"}`,         // stored: a patient who has not arrived
	}
}
