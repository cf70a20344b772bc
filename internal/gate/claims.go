package gate

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/sigstore/sigstore/pkg/cryptoutils"
)

// claim is an extension of Fulcio's certificates under 1.3.6.1.4.1.57264.1
// (Fulcio's docs/oid-info.md), by the name that sigstore-go and policy-controller
// give it.
type claim struct {
	name string
	arc  int
	// raw says that the value is a string without DER, as the first six are.
	raw bool
	// twin is the newer extension that must say the same where both are there.
	twin string
}

var claims = []claim{
	{"issuer", 1, true, "issuerV2"},
	{"githubWorkflowTrigger", 2, true, "buildTrigger"},
	{"githubWorkflowSHA", 3, true, "sourceRepositoryDigest"},
	{"githubWorkflowName", 4, true, ""},
	{"githubWorkflowRepository", 5, true, "sourceRepositoryURI"},
	{"githubWorkflowRef", 6, true, "sourceRepositoryRef"},
	{"issuerV2", 8, false, ""},
	{"buildSignerURI", 9, false, ""},
	{"buildSignerDigest", 10, false, ""},
	{"runnerEnvironment", 11, false, ""},
	{"sourceRepositoryURI", 12, false, ""},
	{"sourceRepositoryDigest", 13, false, ""},
	{"sourceRepositoryRef", 14, false, ""},
	{"sourceRepositoryIdentifier", 15, false, ""},
	{"sourceRepositoryOwnerURI", 16, false, ""},
	{"sourceRepositoryOwnerIdentifier", 17, false, ""},
	{"buildConfigURI", 18, false, ""},
	{"buildConfigDigest", 19, false, ""},
	{"buildTrigger", 20, false, ""},
	{"runInvocationURI", 21, false, ""},
	{"sourceRepositoryVisibilityAtSigning", 22, false, ""},
	{"deploymentEnvironment", 23, false, ""},
	{"tokenSubject", 24, false, ""},
}

// claimNames are those that a policy may name; the issuer has a field of its own.
func claimNames() []string {
	var names []string
	for _, c := range claims {
		if !strings.HasPrefix(c.name, "issuer") {
			names = append(names, c.name)
		}
	}
	return names
}

var fulcioArc = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1}

// readClaims returns the claims of a certificate by name. The error joins what
// contradicts itself: a claim that stands in an old and a new extension must be
// one, and every value is text on one line.
func readClaims(cert *x509.Certificate) (map[string]string, error) {
	found := map[string]string{}
	var problems []error
	for _, e := range cert.Extensions {
		if len(e.Id) != len(fulcioArc)+1 || !e.Id[:len(fulcioArc)].Equal(fulcioArc) {
			continue
		}
		i := slices.IndexFunc(claims, func(c claim) bool { return c.arc == e.Id[len(fulcioArc)] })
		if i < 0 {
			continue // a claim that nobody here can name
		}
		c, value := claims[i], string(e.Value)
		if !c.raw {
			rest, err := asn1.Unmarshal(e.Value, &value)
			if err != nil || len(rest) > 0 {
				problems = append(problems, fmt.Errorf("%s is not one DER string", c.name))
				continue
			}
		}
		if _, twice := found[c.name]; twice {
			problems = append(problems, fmt.Errorf("%s stands in the certificate twice", c.name))
		}
		if !printable(value) {
			problems = append(problems, fmt.Errorf("%s has characters that cannot be printed: %q", c.name, value))
		}
		found[c.name] = value
	}
	for _, c := range claims {
		old, isOld := found[c.name]
		newer, isNew := found[c.twin]
		if c.name == "githubWorkflowRepository" && isNew {
			if u, err := url.Parse(newer); err == nil {
				newer = strings.TrimPrefix(u.Path, "/")
			}
		}
		if isOld && isNew && old != newer {
			problems = append(problems, fmt.Errorf("%s says %q and %s says %q", c.name, old, c.twin, found[c.twin]))
		}
	}
	if v, ok := found["issuerV2"]; ok {
		found["issuer"] = v
	}
	return found, errors.Join(problems...)
}

// Forms of a subject.
const (
	formURI   = "URI"
	formEmail = "e-mail address"
	formName  = "user name"
)

// formOf is the form of the subject that a policy's identity asks for.
func formOf(identity string) string {
	switch {
	case strings.Contains(identity, "://"):
		return formURI
	case strings.Contains(identity, "!"):
		return formName
	case strings.Contains(identity, "@"):
		return formEmail
	}
	return formURI
}

// subjectOf returns the one subject alternative name of a certificate and its
// form. A second one, of any form, is an error: whoever reads another one than
// the gate would see another signer.
func subjectOf(cert *x509.Certificate) (form, value string, err error) {
	var names []asn1.RawValue
	for _, e := range cert.Extensions {
		if !e.Id.Equal(cryptoutils.SANOID) {
			continue
		}
		var all []asn1.RawValue
		if rest, err := asn1.Unmarshal(e.Value, &all); err != nil || len(rest) > 0 {
			return "", "", errors.New("the subject alternative name cannot be read")
		}
		names = append(names, all...)
	}
	if len(names) != 1 {
		return "", "", fmt.Errorf("the certificate has %d subject alternative names, and must have one", len(names))
	}
	switch name := names[0]; name.Tag {
	case 1:
		form, value = formEmail, string(name.Bytes)
	case 6:
		form, value = formURI, string(name.Bytes)
	case 0:
		form = formName
		if value, err = cryptoutils.UnmarshalOtherNameSAN(cert.Extensions); err != nil {
			return "", "", err
		}
	default:
		return "", "", fmt.Errorf("the subject alternative name is of type %d: neither a URI, an e-mail address nor a user name", name.Tag)
	}
	if !printable(value) {
		return "", "", fmt.Errorf("the subject has characters that cannot be printed: %q", value)
	}
	return form, value, nil
}

// compare returns one check for each thing that the policy says of a
// certificate, and one that the certificate says one thing only.
func (k Identity) compare(cert *x509.Certificate) []Check {
	got, contradiction := readClaims(cert)
	checks := []Check{compareOne("issuer", k.Issuer, got["issuer"])}
	form, subject, err := subjectOf(cert)
	switch {
	case err != nil:
		checks = append(checks, Check{Name: "identity", State: Failed, Want: k.Identity, Detail: err.Error()})
	case form != formOf(k.Identity):
		checks = append(checks, Check{Name: "identity", State: Failed, Want: k.Identity, Got: subject,
			Detail: "the certificate's is of the form " + form + ", the policy's of " + formOf(k.Identity)})
	default:
		checks = append(checks, compareOne("identity", k.Identity, subject))
	}
	for _, name := range slices.Sorted(maps.Keys(k.Claims)) {
		checks = append(checks, compareOne(name, k.Claims[name], got[name]))
	}
	if contradiction != nil {
		checks = append(checks, Check{Name: "claims", State: Failed, Detail: "the certificate contradicts itself: " + contradiction.Error()})
	}
	return checks
}

func compareOne(name, want, got string) Check {
	c := Check{Name: name, Want: want, Got: got, State: Passed}
	switch {
	case got == "":
		c.State, c.Detail = Failed, "the certificate does not say"
	case !matches(want, got):
		c.State, c.Detail = Failed, "the certificate says another one"
	}
	return c
}
