package local

import (
	"maps"
	"slices"
	"strings"
)

func listKeys(q *query, in paged) (any, error) {
	s := q.server
	if err := authorize(q, "ListKeys", nil, nil); err != nil {
		return nil, err
	}
	list := []object{}
	if q.caller.account != DefaultAccount {
		return object{"Keys": list, "Truncated": false}, nil // ListKeys sees the caller's own account
	}
	maps.DeleteFunc(s.store.Keys, func(_ string, k *key) bool { return s.gone(k) })
	ids, next := page(slices.Sorted(maps.Keys(s.store.Keys)), in.Limit, in.Marker)
	for _, id := range ids {
		list = append(list, object{"KeyId": id, "KeyArn": s.arn("key/" + id)})
	}
	return truncated(object{"Keys": list}, next), nil
}

func truncated(o object, next string) object {
	o["Truncated"] = next != ""
	if next != "" {
		o["NextMarker"] = next
	}
	return o
}

type listAliasesInput struct {
	keyID
	paged
}

func listAliases(q *query, in listAliasesInput) (any, error) {
	s := q.server
	if err := authorize(q, "ListAliases", nil, nil); err != nil {
		return nil, err
	}
	var of string
	if in.KeyId != "" {
		k, err := keyNamed(q, in.KeyId)
		if err != nil {
			return nil, err
		}
		of = k.ID
	}
	list := []object{}
	if q.caller.account != DefaultAccount {
		return object{"Aliases": list, "Truncated": false}, nil
	}
	names, next := page(slices.Sorted(maps.Keys(s.store.Aliases)), in.Limit, in.Marker)
	for _, name := range names {
		if id := s.store.Aliases[name]; of == "" || id == of {
			list = append(list, object{"AliasName": name, "AliasArn": s.arn(name), "TargetKeyId": id})
		}
	}
	return truncated(object{"Aliases": list}, next), nil
}

type aliasInput struct{ AliasName, TargetKeyId string }

// setAlias points an alias at a key, one that is there already or a new one.
func setAlias(action string, there bool) func(*query, aliasInput) (any, error) {
	return func(q *query, in aliasInput) (any, error) {
		if err := ownAccount(q, action); err != nil {
			return nil, err
		}
		if !validAlias(in.AliasName) {
			return nil, fail("InvalidAliasNameException", "Alias %q is not a valid alias name", in.AliasName)
		}
		k, err := anyone(q, action, in.TargetKeyId)
		if err != nil {
			return nil, err
		}
		s := q.server
		switch _, known := s.store.Aliases[in.AliasName]; {
		case k.State == statePendingDeletion:
			return nil, s.usable(k)
		case known && !there:
			return nil, fail("AlreadyExistsException", "An alias with the name %s already exists", s.arn(in.AliasName))
		case there && !known:
			return nil, errNotFound("Alias " + s.arn(in.AliasName))
		}
		s.store.Aliases[in.AliasName], q.changed = k.ID, true
		return nil, nil
	}
}

// validAlias is the pattern of CreateAlias: alias/ and letters, digits, /, _
// and -, at most 256 characters, and not alias/aws/.
func validAlias(name string) bool {
	rest, ok := strings.CutPrefix(name, "alias/")
	return ok && rest != "" && len(name) <= 256 && !strings.HasPrefix(rest, "aws/") &&
		strings.Trim(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_-") == ""
}

type tagResourceInput struct {
	keyID
	Tags []tag
}

func tagResource(q *query, k *key, in tagResourceInput) (any, error) {
	if err := addTags(k, in.Tags); err != nil {
		return nil, err
	}
	q.changed = true
	return nil, nil
}

type listResourceTagsInput struct {
	keyID
	paged
}

func listResourceTags(q *query, k *key, in listResourceTagsInput) (any, error) {
	names, next := page(slices.Sorted(maps.Keys(k.Tags)), in.Limit, in.Marker)
	list := make([]tag, 0, len(names))
	for _, name := range names {
		list = append(list, tag{name, k.Tags[name]})
	}
	return truncated(object{"Tags": list}, next), nil
}

// own is anyone for an action that does not cross accounts.
func own(q *query, action, ref string) (*key, error) {
	if err := ownAccount(q, action); err != nil {
		return nil, err
	}
	return anyone(q, action, ref)
}
