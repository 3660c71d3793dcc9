// Command clinic writes the made-up clinic that the demo, the tests and the benchmark load: FHIR R4 files, lists and events
// of people who do not exist, in freely usable codes, the same for the same seed.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	out := flag.String("out", "internal/app/clinic", "folder to write")
	seed := flag.Uint64("seed", 7, "seed; the committed files have seed 7")
	people := flag.Int("patients", 120, "number of patients")
	flag.Parse()
	c := newClinic(*seed, *people)
	if err := c.write(*out); err != nil {
		fmt.Fprintln(os.Stderr, "clinic:", err)
		os.Exit(1)
	}
}
