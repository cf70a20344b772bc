package iampolicy

import (
	"slices"
	"strconv"
	"strings"
)

// Glob reports whether s matches pattern, in which * stands for any run of
// characters and ? for one.
func Glob(pattern, s string) bool {
	// the last star and where it was tried are enough: greedy with backtracking.
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p, i = p+1, i+1
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

func anyGlob(patterns []string, s string, fold bool) bool {
	for _, p := range patterns {
		if fold {
			p, s = strings.ToLower(p), strings.ToLower(s)
		}
		if Glob(p, s) {
			return true
		}
	}
	return false
}

// Covers reports whether the statement speaks of an action ("kms:Sign").
// Action names are compared without case.
func (s Statement) Covers(action string) bool {
	if len(s.NotAction) > 0 {
		return !anyGlob(s.NotAction, action, true)
	}
	return anyGlob(s.Action, action, true)
}

// OnResource reports whether the statement speaks of a resource. A statement
// without Resource speaks of all: in a key policy it is always the key.
func (s Statement) OnResource(arn string) bool {
	switch {
	case len(s.NotResource) > 0:
		return !anyGlob(s.NotResource, arn, false)
	case len(s.Resource) > 0:
		return anyGlob(s.Resource, arn, false)
	}
	return true
}

// Applies reports whether every condition of the statement holds in a context
// of condition keys. A key that the context lacks fails its condition, unless
// the operator is negated or ends in IfExists, as in IAM. An operator that is
// not known makes a Deny apply and an Allow not: what cannot be judged must
// not open anything.
func (s Statement) Applies(context map[string]string) bool {
	for operator, keys := range s.Condition {
		for key, wanted := range keys {
			holds, known := evaluate(operator, key, wanted, context)
			if !known {
				return s.Effect == Deny
			}
			if !holds {
				return false
			}
		}
	}
	return true
}

func evaluate(operator, key string, wanted []string, context map[string]string) (holds, known bool) {
	base, ifExists := strings.CutSuffix(operator, "IfExists")
	got, present := lookup(context, key)
	if !present {
		// a negated operator holds for a missing key, as do the IfExists ones.
		_, known = compare(base, "0", "0")
		return ifExists || strings.Contains(base, "Not"), known
	}
	for _, w := range wanted {
		match, ok := compare(base, w, got)
		if !ok {
			return false, false
		}
		if match {
			holds = true
		}
	}
	if strings.Contains(base, "Not") {
		return !holds, true
	}
	return holds, true
}

func lookup(context map[string]string, key string) (string, bool) {
	for k, v := range context {
		if strings.EqualFold(k, key) {
			return v, true
		}
	}
	return "", false
}

// compare is the positive form of an operator; evaluate negates it.
func compare(base, wanted, got string) (match, known bool) {
	switch strings.Replace(base, "Not", "", 1) {
	case "StringEquals":
		return wanted == got, true
	case "StringEqualsIgnoreCase", "Bool":
		return strings.EqualFold(wanted, got), true
	case "StringLike", "ArnLike", "ArnEquals":
		return Glob(wanted, got), true
	case "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals", "NumericEquals":
		w, err1 := strconv.ParseFloat(wanted, 64)
		g, err2 := strconv.ParseFloat(got, 64)
		if err1 != nil || err2 != nil {
			return false, false
		}
		switch base {
		case "NumericLessThan":
			return g < w, true
		case "NumericLessThanEquals":
			return g <= w, true
		case "NumericGreaterThan":
			return g > w, true
		case "NumericGreaterThanEquals":
			return g >= w, true
		}
		return g == w, true
	}
	return false, false
}

// Verdict is what can be said of a statement's conditions.
type Verdict int

// Verdicts.
const (
	No Verdict = iota
	Yes
	Perhaps // a condition key or operator that is not known here
)

// Judge is Applies for a reader who does not know the whole context of a
// call: a key that the context lacks makes the verdict Perhaps, unless another
// condition fails.
func (s Statement) Judge(context map[string]string) Verdict {
	verdict := Yes
	for operator, keys := range s.Condition {
		for key, wanted := range keys {
			if _, present := lookup(context, key); !present {
				verdict = Perhaps
				continue
			}
			holds, known := evaluate(operator, key, wanted, context)
			switch {
			case !known:
				verdict = Perhaps
			case !holds:
				return No
			}
		}
	}
	return verdict
}

// Names lists every AWS principal and every value of a condition on the
// caller's ARN or account, as written.
func (d Document) Names() []string {
	var names []string
	for _, s := range d.Statement {
		for _, p := range []*Principal{s.Principal, s.NotPrincipal} {
			if p != nil {
				names = append(names, p.ByKind["AWS"]...)
			}
		}
		for _, keys := range s.Condition {
			for key, values := range keys {
				switch strings.ToLower(key) {
				case "aws:principalarn", "aws:principalaccount", "kms:calleraccount":
					names = append(names, values...)
				}
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Match is how a statement means a principal.
type Match int

// Matches.
const (
	NotMeant  Match = iota
	ByAccount       // its account is named, so its IAM policies decide
	ByName          // it is named itself, or everyone is
)

// AccountOf is the fifth field of an ARN, its account; empty for anything else.
func AccountOf(arn string) string {
	if f := strings.SplitN(arn, ":", 6); len(f) == 6 {
		return f[4]
	}
	return ""
}

// Means says how the statement means a principal that goes by any of names
// (a role and its session) in an account. A statement without principals, as
// in an identity policy, means nobody.
func (s Statement) Means(account string, names ...string) Match {
	p, negated := s.Principal, false
	if s.NotPrincipal != nil {
		p, negated = s.NotPrincipal, true
	}
	if p == nil {
		return NotMeant
	}
	match := NotMeant
	if p.Everyone {
		match = ByName
	}
	for _, name := range p.ByKind["AWS"] {
		switch {
		case name == "*" || slices.Contains(names, name):
			match = ByName
		case match == NotMeant && (name == account || strings.HasSuffix(name, ":iam::"+account+":root")):
			match = ByAccount
		}
	}
	switch {
	case !negated:
		return match
	case match == NotMeant:
		return ByName
	}
	return NotMeant
}
