package gate

import (
	"net/url"
	"slices"
	"strings"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
)

// claim is one thing that the policy pins of a Fulcio certificate.
type claim struct {
	name string // of the policy's field, and of the check
	want string
	open bool // may end with a star
	// got are the values of the certificate: of the extension that older
	// clients read, and of the one that took its place (Fulcio's docs/oid-info.md).
	got func(certificate.Summary) []string
}

// claims in the order of the policy's fields.
func (k Keyless) claims() []claim {
	return []claim{
		{"issuer", k.Issuer, false, func(s certificate.Summary) []string { return []string{s.Issuer} }},
		{"identity", k.Identity, true, func(s certificate.Summary) []string { return []string{s.SubjectAlternativeName} }},
		{"trigger", k.Trigger, false, func(s certificate.Summary) []string { return []string{s.GithubWorkflowTrigger, s.BuildTrigger} }},
		{"name", k.Name, false, func(s certificate.Summary) []string { return []string{s.GithubWorkflowName} }},
		{"repository", k.Repository, false, func(s certificate.Summary) []string {
			return []string{s.GithubWorkflowRepository, ownerAndName(s.SourceRepositoryURI)}
		}},
		{"ref", k.Ref, true, func(s certificate.Summary) []string { return []string{s.GithubWorkflowRef, s.SourceRepositoryRef} }},
	}
}

// compare returns one check a claim: at least one value is there, and each that
// is there matches.
func (k Keyless) compare(s certificate.Summary) []Check {
	var checks []Check
	for _, c := range k.claims() {
		got := slices.DeleteFunc(c.got(s), func(v string) bool { return v == "" })
		check := Check{Name: c.name, Want: c.want, Got: strings.Join(slices.Compact(slices.Clone(got)), " and "), State: Passed}
		if len(got) == 0 {
			check.State, check.Detail = Failed, "the certificate does not say"
		}
		for _, v := range got {
			if !matches(c.want, v) {
				check.State, check.Detail = Failed, "the certificate says another one"
			}
		}
		checks = append(checks, check)
	}
	return checks
}

// ownerAndName returns OWNER/REPOSITORY of a repository's URL, and anything
// else as it is.
func ownerAndName(repository string) string {
	u, err := url.Parse(repository)
	if err != nil || u.Host == "" {
		return repository
	}
	return strings.TrimPrefix(u.Path, "/")
}
