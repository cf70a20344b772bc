package plan

import (
	"regexp"
	"strings"
)

// KMS says where keys are made and who may do what with them. Flags of
// `trustroot kms` replace what stands here.
type KMS struct {
	AliasPrefix string   `yaml:"alias_prefix,omitempty" json:"alias_prefix,omitempty" jsonschema:"pattern=^[A-Za-z0-9/_-]+$"` // first part of the keys' aliases
	Account     string   `yaml:"account,omitempty" json:"account,omitempty" jsonschema:"pattern=^[0-9]{12}$"`                 // of the keys, 12 digits
	Role        string   `yaml:"role,omitempty" json:"role,omitempty"`                                                        // ARN of the role in that account that an admin host of another one assumes
	Admins      []string `yaml:"admins,omitempty" json:"admins,omitempty"`                                                    // ARNs of roles or users that administer keys and may not sign
	Signers     []string `yaml:"signers,omitempty" json:"signers,omitempty"`                                                  // NAME=ARN of the service that signs with the key NAME
	Requesters  []string `yaml:"requesters,omitempty" json:"requesters,omitempty"`                                            // ARNs of admin hosts, which sign the authorities' certification requests
	Auditors    []string `yaml:"auditors,omitempty" json:"auditors,omitempty"`                                                // ARNs that may read public keys, policies and grants
	Deleters    []string `yaml:"deleters,omitempty" json:"deleters,omitempty"`                                                // ARNs that may schedule a deletion
}

var (
	aliasForm     = regexp.MustCompile(`^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$`)
	accountForm   = regexp.MustCompile(`^[0-9]{12}$`)
	principalForm = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[\w+=,.@/-]+$`)
)

func checkKMS(r *report, p *Plan) {
	if p.KMS == nil {
		return
	}
	k := p.KMS
	if k.AliasPrefix != "" && (!aliasForm.MatchString(k.AliasPrefix) || len(k.AliasPrefix) > 100 || strings.HasPrefix(k.AliasPrefix, "aws/") || strings.HasPrefix(k.AliasPrefix, "alias/")) {
		r.add("kms.alias_prefix", "%q is not a prefix: write letters, digits, - and _, with slashes between, such as trustroot/prod", k.AliasPrefix)
	}
	if k.Account != "" && !accountForm.MatchString(k.Account) {
		r.add("kms.account", "%q is not an account: write its 12 digits in quotes", k.Account)
	}
	if k.Role != "" && !principalForm.MatchString(k.Role) {
		r.add("kms.role", "%q is not the ARN of a role: write arn:aws:iam::ACCOUNT:role/NAME", k.Role)
	}
	for _, list := range []struct {
		name string
		arns []string
	}{{"admins", k.Admins}, {"signers", k.Signers}, {"requesters", k.Requesters}, {"auditors", k.Auditors}, {"deleters", k.Deleters}} {
		for i, arn := range list.arns {
			form := "arn:aws:iam::ACCOUNT:role/NAME"
			if list.name == "signers" {
				form = "NAME=" + form
				_, arn, _ = strings.Cut(arn, "=")
			}
			if !principalForm.MatchString(arn) {
				r.add(index("kms."+list.name, i), "%q is not the ARN of a role or user: write %s", list.arns[i], form)
			}
		}
	}
	if len(k.Admins) == 0 && len(k.Signers)+len(k.Requesters)+len(k.Auditors)+len(k.Deleters) > 0 {
		r.add("kms.admins", "is empty: without an administrator a key's policy could never be changed")
	}
}
