package local

import (
	"net/http"
	"slices"
	"strings"

	"github.com/linnemanlabs/trustroot/kms/internal/iampolicy"
)

// caller is an authenticated principal.
type caller struct {
	arn     string // what GetCallerIdentity says
	names   []string
	account string
	policy  *iampolicy.Document // nil: allows everything
}

// session is what AssumeRole handed out.
type session struct {
	role Role
	arn  string // "arn:aws:sts::111122223333:assumed-role/key-admin/NAME"
}

// authenticate finds the caller by the access key ID of the request's
// Authorization header (Signature Version 4). The signature is not checked.
func (s *Server) authenticate(r *http.Request) (caller, error) {
	_, credential, found := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if !found {
		return caller{}, fail("MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	id, _, _ := strings.Cut(credential, "/")
	if ses, ok := s.sessions[id]; ok {
		// a policy that names the role speaks of every session of it.
		return newCaller(ses.arn, ses.role.Policy, ses.role.ARN)
	}
	p, ok := s.options.Principals[id]
	if !ok && id == AccessKeyID {
		p, ok = Principal{ARN: "arn:aws:iam::" + DefaultAccount + ":user/rehearsal"}, true
	}
	switch {
	case !ok:
		return caller{}, fail("UnrecognizedClientException", "The security token included in the request is invalid.")
	case p.Expired:
		return caller{}, fail("ExpiredTokenException", "The security token included in the request is expired")
	}
	return newCaller(p.ARN, p.Policy)
}

func newCaller(arn, policy string, also ...string) (caller, error) {
	c := caller{arn: arn, names: append([]string{arn}, also...), account: iampolicy.AccountOf(arn)}
	if policy == "" {
		return c, nil
	}
	doc, err := iampolicy.Parse([]byte(policy))
	if err != nil {
		return c, fail("KMSInternalException", "identity policy of %s: %v", arn, err)
	}
	c.policy = &doc
	return c, nil
}

// authorize decides on an action ("Sign") with a key, or with resource "*"
// where there is none, as KMS does: an explicit deny wins; in the key's
// account the key policy or a grant is enough, or a key policy that trusts the
// account together with the caller's IAM policy; from another account both
// must allow (KMS Developer Guide, "Key access and permissions").
func authorize(q *query, action string, k *key, context map[string]string) error {
	s := q.server
	resource := "*"
	if k != nil {
		resource = s.keyARN(k)
	}
	refuse := func(because string) error {
		return fail("AccessDeniedException", "User: %s is not authorized to perform: kms:%s on resource: %s %s",
			q.caller.arn, action, resource, because)
	}
	for _, d := range s.rules.Deny {
		if (d.Principal == "" || slices.Contains(q.caller.names, d.Principal)) &&
			(d.Action == "" || d.Action == action) && (d.Key == "" || d.Key == resource) {
			return refuse("with an explicit deny in a service control policy")
		}
	}
	if context == nil {
		context = map[string]string{}
	}
	context["aws:PrincipalArn"] = q.caller.names[len(q.caller.names)-1]
	context["aws:PrincipalAccount"] = q.caller.account
	context["kms:CallerAccount"] = q.caller.account

	identity, denied := identity(q, action, resource, context)
	switch {
	case denied:
		return refuse("with an explicit deny in an identity-based policy")
	case k == nil && !identity:
		return refuse("because no identity-based policy allows the kms:" + action + " action")
	case k == nil:
		return nil
	}
	direct, delegated, denied, err := keyPolicy(q, k, action, context)
	switch {
	case err != nil:
		return err
	case denied:
		return refuse("with an explicit deny in a resource-based policy")
	}
	granted := slices.ContainsFunc(k.Grants, func(g grant) bool {
		return slices.Contains(q.caller.names, g.Grantee) && slices.Contains(g.Operations, action)
	})
	switch {
	case granted, direct && q.caller.account == DefaultAccount:
		return nil
	case !direct && !delegated:
		return refuse("because no resource-based policy allows the kms:" + action + " action")
	case !identity:
		return refuse("because no identity-based policy allows the kms:" + action + " action")
	}
	return nil
}

func identity(q *query, action, resource string, context map[string]string) (allowed, denied bool) {
	if q.caller.policy == nil {
		return true, false
	}
	for _, st := range q.caller.policy.Statement {
		if !st.Covers("kms:"+action) || !st.OnResource(resource) || !st.Applies(context) {
			continue
		}
		if st.Effect == iampolicy.Deny {
			return false, true
		}
		allowed = true
	}
	return allowed, false
}

// keyPolicy reports whether the key's policy allows the caller by name
// (direct), or trusts its account to decide (delegated).
func keyPolicy(q *query, k *key, action string, context map[string]string) (direct, delegated, denied bool, err error) {
	doc, err := iampolicy.Parse([]byte(k.Policy))
	if err != nil {
		return false, false, false, err
	}
	for _, st := range doc.Statement {
		if !st.Covers("kms:"+action) || !st.OnResource(q.server.keyARN(k)) || !st.Applies(context) {
			continue
		}
		match := st.Means(q.caller.account, q.caller.names...)
		switch {
		case match == iampolicy.NotMeant:
		case st.Effect == iampolicy.Deny:
			return false, false, true, nil
		case match == iampolicy.ByName:
			direct = true
		default:
			delegated = true
		}
	}
	return direct, delegated, false, nil
}
