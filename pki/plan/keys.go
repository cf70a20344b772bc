package plan

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// ExternalKey stands for a key whose certification request is made elsewhere.
const ExternalKey = "external"

// KeyUnknown stands for a key of an adopted generation whose ARN nobody knows.
// Its pin says which key it is, and nothing new is asked of it.
const KeyUnknown = "unknown"

// owned is one generation of a key, with what it belongs to.
type owned struct {
	path  string
	owner string
	kind  string // authorities, logs, apps, tuf
	Generation
}

// allKeys returns every generation of every key, in the order of the names.
func (p *Plan) allKeys() []owned {
	var all []owned
	add := func(kind, name string, generations []Generation) {
		for i, g := range generations {
			at := join(kind, name)
			all = append(all, owned{index(at+".generations", i), at, kind, g})
		}
	}
	for _, name := range sorted(p.Authorities) {
		add("authorities", name, p.Authorities[name].Generations)
	}
	for _, name := range sorted(p.Logs) {
		add("logs", name, p.Logs[name].Generations)
	}
	for _, name := range sorted(p.Apps) {
		add("apps", name, p.Apps[name].Generations)
	}
	if p.TUF != nil {
		all = append(all, owned{"tuf.online_key", "tuf.online_key", "tuf", p.TUF.OnlineKey})
		if p.TUF.NextOnlineKey != nil {
			all = append(all, owned{"tuf.next_online_key", "tuf.next_online_key", "tuf", *p.TUF.NextOnlineKey})
		}
	}
	return all
}

// Generations returns where in the plan a name stands, under authorities, logs
// or apps, and its generations. Kind is empty for a name that the plan lacks.
func (p *Plan) Generations(name string) (kind string, all []Generation) {
	if a, ok := p.Authorities[name]; ok {
		return "authorities", a.Generations
	}
	if l, ok := p.Logs[name]; ok {
		return "logs", l.Generations
	}
	if a, ok := p.Apps[name]; ok {
		return "apps", a.Generations
	}
	return "", nil
}

func keys(r *report, p *Plan) {
	arns, digests := map[string]owned{}, map[string]owned{}
	expected := map[string]int{}
	for _, k := range p.allKeys() {
		expected[k.owner]++
		if k.kind == "tuf" {
			if r.ok(k.path+".generation") && k.Generation.Generation < 1 {
				r.add(k.path+".generation", "generations are numbered from 1")
			}
		} else if want := expected[k.owner]; k.Generation.Generation != want {
			r.add(k.path+".generation", "is %d and should be %d: generations are numbered 1, 2, 3 without holes", k.Generation.Generation, want)
		}
		generation(r, p, k)
		unique(r, k, arns, digests)
	}
	for kind, names := range map[string][]string{"authorities": sorted(p.Authorities), "logs": sorted(p.Logs), "apps": sorted(p.Apps)} {
		for _, name := range names {
			if owner := join(kind, name); expected[owner] == 0 && r.ok(owner+".generations") {
				r.add(owner+".generations", "is empty: write the first generation")
			}
		}
	}
}

// generation checks the fields of one generation that its kind allows.
func generation(r *report, p *Plan, k owned) {
	root := k.owner == join("authorities", RootAuthority)
	if r.ok(k.path + ".key") {
		key(r, k, root)
	}
	digest(r, k.path+".spki_sha256", k.SPKISHA256)
	if r.ok(k.path + ".ceremony") {
		if _, known := p.Ceremonies[k.Ceremony]; k.kind != "authorities" {
			r.add(k.path+".ceremony", "only an authority's certificate is issued in a ceremony: remove the field")
		} else if !known {
			r.add(k.path+".ceremony", "%q is not among ceremonies", k.Ceremony)
		}
	}
	if k.Start != nil && k.kind != "logs" {
		r.add(k.path+".start", "only a log's key has a start: remove the field")
	}
	if k.NotAfter != nil && k.kind != "authorities" {
		r.add(k.path+".not_after", "only an authority's certificate has a not_after: remove the field")
	}
	if k.kind != "authorities" && (k.Root != 0 || k.Subject != nil || k.Standby) {
		r.add(k.path, "root, subject and standby are for certificates: remove them")
	}
	if k.Origin != "" && k.kind != "logs" {
		r.add(k.path+".origin", "only a log has an origin: remove the field")
	}
	if k.URL != "" && k.kind != "logs" && (k.kind != "authorities" || root) {
		r.add(k.path+".url", "only a log or a service has a URL: remove the field")
	}
}

func key(r *report, k owned, root bool) {
	at := k.path + ".key"
	switch {
	case root:
		r.add(at, "the root's key lives on its token: remove the field")
	case k.Key == ExternalKey && k.kind == "authorities":
	case k.Key == KeyUnknown && k.Ceremony == "" && k.SPKISHA256 != "":
	case k.Key == KeyUnknown:
		r.add(at, "only a key with its pin, which no ceremony asks for a certificate, may be unknown: write the KMS key's ARN")
	case k.Key == ExternalKey:
		r.add(at, "only an authority's key may be external: write the KMS key's ARN")
	case strings.Contains(k.Key, ":alias/") || strings.HasPrefix(k.Key, "alias/"):
		r.add(at, "%q is an alias, which can be pointed at another key: write the key's ARN", k.Key)
	case strings.Contains(k.Key, ":key/mrk-"):
		r.add(at, "%q is a multi-region key, which exists more than once: make a single-region key", k.Key)
	case !keyARNForm.MatchString(k.Key):
		r.add(at, "%q is not a KMS key ARN: write it like arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab", k.Key)
	}
}

// IsKeyARN reports whether a text has the form of a KMS key's ARN.
func IsKeyARN(text string) bool { return keyARNForm.MatchString(text) }

// unique checks that one key never serves two logs, roles or applications. A
// renewed authority may keep its key.
func unique(r *report, k owned, arns, digests map[string]owned) {
	if k.Key != "" && k.Key != ExternalKey && k.Key != KeyUnknown {
		other, seen := arns[k.Key]
		if !seen {
			arns[k.Key] = k
		} else if k.shared(other) {
			r.add(k.path+".key", "the key serves %s already: one key never serves two, make another", other.path)
			return
		} else if other.SPKISHA256 != k.SPKISHA256 && other.SPKISHA256 != "" && k.SPKISHA256 != "" {
			r.add(k.path+".spki_sha256", "%s pins another digest for the same key", other.path)
		}
	}
	if digestForm.MatchString(k.SPKISHA256) {
		other, seen := digests[k.SPKISHA256]
		if !seen {
			digests[k.SPKISHA256] = k
		} else if k.shared(other) {
			r.add(k.path+".spki_sha256", "the key serves %s already: one key never serves two, make another", other.path)
		} else if other.Key != k.Key && other.Key != "" && k.Key != "" && k.Key != KeyUnknown && other.Key != KeyUnknown {
			r.add(k.path+".key", "%s names another key for the same digest", other.path)
		}
	}
}

func (k owned) shared(other owned) bool {
	return k.owner != other.owner || k.kind != "authorities"
}

// starts checks that a log's generations begin one after the other.
func starts(r *report, path string, generations []Generation) {
	var last *time.Time
	for i, g := range generations {
		if g.Start == nil {
			continue
		}
		if last != nil && !g.Start.After(*last) {
			r.add(index(path+".generations", i)+".start", "is not after %s, the start of an earlier generation", stamp(*last))
		}
		last = g.Start
	}
}

// algorithmReason says why a checkpoint key of another algorithm than P-256
// does not work.
func algorithmReason(kind, algorithm string) string {
	var reason string
	switch strings.ToLower(algorithm) {
	case "p-384", "p-521":
		reason = "a " + strings.ToUpper(algorithm) + " key in KMS signs with SHA-384 or SHA-512 only, and clients verify checkpoints with SHA-256"
	case "ed25519":
		reason = "Rekor loads an Ed25519 key from KMS and fails at its first checkpoint"
	default:
		reason = fmt.Sprintf("%q is not an algorithm of checkpoints that all clients verify", algorithm)
	}
	if kind == StaticCT {
		reason += "; Fulcio refuses at its start a CT key that is not P-256"
	}
	return reason + ": write P-256"
}

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

// IsPrincipal says whether a text is the ARN of a role or user of IAM.
func IsPrincipal(arn string) bool { return principalForm.MatchString(arn) }

// IsAccount says whether a text is the number of an AWS account.
func IsAccount(number string) bool { return accountForm.MatchString(number) }

func checkKMS(r *report, p *Plan) {
	if p.KMS == nil {
		return
	}
	k := p.KMS
	if k.AliasPrefix != "" && (!aliasForm.MatchString(k.AliasPrefix) || len(k.AliasPrefix) > 100 || strings.HasPrefix(k.AliasPrefix, "aws/") || strings.HasPrefix(k.AliasPrefix, "alias/")) {
		r.add("kms.alias_prefix", "%q is not a prefix: write letters, digits, - and _, with slashes between, such as trustroot/prod", k.AliasPrefix)
	}
	if k.Account != "" && !IsAccount(k.Account) {
		r.add("kms.account", "%q is not an account: write its 12 digits in quotes", k.Account)
	}
	if k.Role != "" && !IsPrincipal(k.Role) {
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
			if !IsPrincipal(arn) {
				r.add(index("kms."+list.name, i), "%q is not the ARN of a role or user: write %s", list.arns[i], form)
			}
		}
	}
	if len(k.Admins) == 0 && len(k.Signers)+len(k.Requesters)+len(k.Auditors)+len(k.Deleters) > 0 {
		r.add("kms.admins", "is empty: without an administrator a key's policy could never be changed")
	}
}
