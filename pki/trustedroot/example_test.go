package trustedroot_test

import (
	"fmt"

	"github.com/linnemanlabs/trustroot/pki/trustedroot"
)

// What is wrong with a trusted_root.json, where, for which clients, and how to
// repair it.
func ExampleLint() {
	const file = `{"mediaType": "application/vnd.dev.sigstore.trustedroot.v1+json", "tlogs": [], "certificateAuthorities": [], "ctlogs": [], "timestampAuthorities": []}`
	findings, err := trustedroot.Lint([]byte(file), trustedroot.LintOptions{Clients: []string{"cosign"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range findings {
		fmt.Println(f.Severity, f.ID, f.Place)
	}
	fmt.Println("repair:", findings[0].Repair)
	// Output:
	// error media-type $.mediaType
	// error role-empty $.tlogs
	// warning role-empty $.certificateAuthorities
	// warning role-empty $.ctlogs
	// warning no-tsa $.timestampAuthorities
	// repair: Write "application/vnd.dev.sigstore.trustedroot+json;version=0.1": every client reads it
}
