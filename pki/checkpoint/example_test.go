package checkpoint_test

import (
	"fmt"

	"github.com/linnemanlabs/trustroot/pki/checkpoint"
)

// The verifier string of a Rekor log, as witnesses are given it, and a URL in
// place of the origin.
func ExampleParse() {
	const key = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2G2Y+2tabdTV5BcGiBIx0a9fAFwr
kBbmLSGtks4L3qX6yYY0zufBnhC8Ur/iy55GhWP/9A/bY2LhC30M9+RYtw==
-----END PUBLIC KEY-----
`
	log, err := checkpoint.Parse(checkpoint.RekorV2, "rekor.example.com", []byte(key))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("log ID %x\n", log.LogID())
	fmt.Println(log.Verifier())
	_, err = checkpoint.Parse(checkpoint.RekorV2, "https://rekor.example.com", []byte(key))
	fmt.Println(err)
	// Output:
	// log ID c0d23d6ad406973f9559f3ba2d1ca01f84147d8ffc5b8445c224f98b9591801d
	// rekor.example.com+c0d23d6a+AjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNhtmPtrWm3U1eQXBogSMdGvXwBcK5AW5i0hrZLOC96l+smGNM7nwZ4QvFK/4sueRoVj//QP22Ni4Qt9DPfkWLc=
	// origin "https://rekor.example.com" has a scheme: write "rekor.example.com"
}
