package kms

import (
	"fmt"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/kms/internal/iampolicy"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// PolicyReport is what a live key policy allows beyond what was meant, what
// was meant and is missing, and what no key policy shows.
type PolicyReport struct {
	Findings []string `json:"findings,omitempty"`
	Unseen   []string `json:"unseen,omitempty"`
}

// power is an action that decides who can sign, now or later.
type power struct {
	action string
	words  string
	may    func(Access) []string
}

var powers = []power{
	{"kms:Sign", "can sign", Access.signers},
	{"kms:CreateGrant", "can grant signing to anyone", func(Access) []string { return nil }},
	{"kms:PutKeyPolicy", "can rewrite the key policy", func(a Access) []string { return append(slices.Clone(a.Admins), rootOf(a.Account)) }},
	{"kms:ScheduleKeyDeletion", "can delete the key", func(a Access) []string { return a.Deleters }},
}

// CheckPolicy holds a key policy against the access that was meant. It names
// every principal that can sign and should not, or could give itself the
// right, and every one that should sign and cannot. A condition that cannot be
// judged from here counts for the worse: an Allow as allowing, a Deny as not
// denying.
func CheckPolicy(document []byte, role Role, algorithm string, a Access) (PolicyReport, error) {
	if err := a.check(role); err != nil {
		return PolicyReport{}, err
	}
	doc, err := iampolicy.Parse(document)
	if err != nil {
		return PolicyReport{}, err
	}
	r := reader{doc: doc, algorithm: string(schemes[algorithm].algorithm), access: a, delegated: map[string]bool{}}
	for _, p := range powers {
		r.power(p)
	}
	r.missing()
	r.otherKinds()
	return PolicyReport{Findings: r.findings, Unseen: r.unseen()}, nil
}

type reader struct {
	doc       iampolicy.Document
	algorithm string
	access    Access
	findings  []string
	delegated map[string]bool // accounts whose IAM decides
}

// somebody is a principal that a statement may mean without naming it.
const somebody = "role/somebody-that-no-statement-names"

// stranger is an account that no statement names.
const stranger = "999999999999"

// power reports who has one power and should not. Whoever the document names
// anywhere is tried, then a stranger, then somebody else of every account that
// it names.
func (r *reader) power(p power) {
	may := p.may(r.access)
	accounts := []string{r.access.Account}
	for _, name := range r.doc.Names() {
		account := AccountOf(name)
		if account != "" && account != "*" {
			accounts = append(accounts, account)
		}
		if !strings.HasPrefix(name, "arn:") || slices.Contains(may, name) || strings.HasSuffix(name, ":root") && account != r.access.Account {
			continue
		}
		// a pattern stands for whoever fits it.
		concrete := strings.NewReplacer("*", "any", "?", "x").Replace(name)
		if by, how := r.allows(p.action, concrete); how == iampolicy.ByName {
			r.find("%s %s (statement %s)", name, p.words, by)
		}
	}
	by, how := r.allows(p.action, "arn:aws:iam::"+stranger+":"+somebody)
	if how == iampolicy.ByName {
		r.find("everyone %s, in any account (statement %s)", p.words, by)
	}
	open := how == iampolicy.ByName
	for _, account := range union(accounts) {
		switch by, how := r.allows(p.action, "arn:aws:iam::"+account+":"+somebody); {
		case how == iampolicy.ByName && !open:
			r.find("everyone in account %s %s (statement %s)", account, p.words, by)
		case how == iampolicy.ByAccount:
			r.delegated[account] = true
			r.find("everyone in account %s whose IAM policies allow it %s (statement %s trusts the account)", account, p.words, by)
		}
	}
}

func (r *reader) find(format string, args ...any) {
	if f := fmt.Sprintf(format, args...); !slices.Contains(r.findings, f) {
		r.findings = append(r.findings, f)
	}
}

// allows says how a principal is allowed an action, and by which statement.
func (r *reader) allows(action, principal string) (statement string, how iampolicy.Match) {
	account := AccountOf(principal)
	context := map[string]string{
		"aws:PrincipalArn": principal, "aws:PrincipalAccount": account, "kms:CallerAccount": account,
		"kms:ScheduleKeyDeletionPendingWindowInDays": "30",
	}
	if action == "kms:Sign" {
		context["kms:SigningAlgorithm"], context["kms:MessageType"] = r.algorithm, "DIGEST"
	}
	for i, s := range r.doc.Statement {
		if !s.Covers(action) {
			continue
		}
		means, verdict := s.Means(account, principal), s.Judge(context)
		switch {
		case means == iampolicy.NotMeant || verdict == iampolicy.No:
		case s.Effect == iampolicy.Deny && verdict == iampolicy.Yes:
			return s.Name(i), iampolicy.NotMeant
		case s.Effect == iampolicy.Allow && means > how:
			statement, how = s.Name(i), means
		}
	}
	return statement, how
}

// missing reports signers that the policy does not let sign, and statements
// that let them sign with more than the one algorithm.
func (r *reader) missing() {
	for _, signer := range r.access.signers() {
		by, how := r.allows("kms:Sign", signer)
		switch how {
		case iampolicy.NotMeant:
			r.find("%s should sign and the key policy does not let it (statement NobodyElseSigns or a missing Allow of kms:Sign)", signer)
			continue
		case iampolicy.ByAccount:
			r.find("%s is not named: it can sign only as far as statement %s trusts its account", signer, by)
		case iampolicy.ByName:
		}
		for _, action := range []string{"kms:DescribeKey", "kms:GetPublicKey"} {
			if _, how := r.allows(action, signer); how == iampolicy.NotMeant {
				r.find("%s should sign and cannot call %s, which every service does first", signer, action)
			}
		}
	}
	for i, s := range r.doc.Statement {
		if s.Effect == iampolicy.Allow && s.Covers("kms:Sign") && !limited(s) {
			r.find("statement %s allows kms:Sign without a StringEquals condition on kms:SigningAlgorithm", s.Name(i))
		}
	}
}

func limited(s iampolicy.Statement) bool {
	for operator, keys := range s.Condition {
		for key := range keys {
			if strings.EqualFold(key, "kms:SigningAlgorithm") && operator == "StringEquals" {
				return true
			}
		}
	}
	return false
}

// otherKinds reports AWS services and federated users, which are never meant.
func (r *reader) otherKinds() {
	for i, s := range r.doc.Statement {
		if s.Effect != iampolicy.Allow || s.Principal == nil || !s.Covers("kms:Sign") {
			continue
		}
		for kind, names := range s.Principal.ByKind {
			if kind != "AWS" {
				r.find("%s %s can sign (statement %s)", kind, strings.Join(names, ", "), s.Name(i))
			}
		}
	}
}

func (r *reader) unseen() []string {
	var unseen []string
	add := func(format string, args ...any) { unseen = append(unseen, fmt.Sprintf(format, args...)) }
	accounts := map[string]bool{}
	for _, p := range union(r.access.signers(), r.access.Admins) {
		accounts[AccountOf(p)] = true
	}
	for account := range r.delegated {
		accounts[account] = true
	}
	for account := range accounts {
		add("IAM of account %s: its identity policies, who may assume the roles named here, its service control policies", account)
	}
	slices.Sort(unseen)
	return unseen
}

// AccountOf is the account of an ARN, or the account itself; empty for anything
// else.
func AccountOf(principal string) string {
	if plan.IsAccount(principal) {
		return principal
	}
	return iampolicy.AccountOf(principal)
}
