package local

import (
	"maps"
	"slices"
	"strings"
)

func listKeys(q *query) (any, error) {
	var in struct {
		Limit  int
		Marker string
	}
	if err := q.read(&in); err != nil {
		return nil, err
	}
	s := q.server
	if err := authorize(q, "ListKeys", nil, nil); err != nil {
		return nil, err
	}
	list := []object{}
	if q.caller.account != s.options.Account {
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

func listAliases(q *query) (any, error) {
	var in struct {
		KeyId, Marker string
		Limit         int
	}
	if err := q.read(&in); err != nil {
		return nil, err
	}
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
	if q.caller.account != s.options.Account {
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

func createAlias(q *query) (any, error) {
	name, k, err := aliasOf(q, "CreateAlias")
	if err != nil {
		return nil, err
	}
	s := q.server
	if _, taken := s.store.Aliases[name]; taken {
		return nil, fail("AlreadyExistsException", "An alias with the name %s already exists", s.arn(name))
	}
	s.store.Aliases[name], q.changed = k.ID, true
	return nil, nil
}

func updateAlias(q *query) (any, error) {
	name, k, err := aliasOf(q, "UpdateAlias")
	if err != nil {
		return nil, err
	}
	s := q.server
	if _, exists := s.store.Aliases[name]; !exists {
		return nil, errNotFound("Alias " + s.arn(name))
	}
	s.store.Aliases[name], q.changed = k.ID, true
	return nil, nil
}

func aliasOf(q *query, action string) (string, *key, error) {
	var in struct{ AliasName, TargetKeyId string }
	if err := q.read(&in); err != nil {
		return "", nil, err
	}
	if err := ownAccount(q, action); err != nil {
		return "", nil, err
	}
	if !validAlias(in.AliasName) {
		return "", nil, fail("InvalidAliasNameException", "Alias %q is not a valid alias name", in.AliasName)
	}
	k, err := open(q, action, in.TargetKeyId, nil)
	if err != nil {
		return "", nil, err
	}
	if k.State == statePendingDeletion {
		return "", nil, q.server.usable(k)
	}
	return in.AliasName, k, nil
}

// validAlias is the pattern of CreateAlias: alias/ and letters, digits, /, _
// and -, at most 256 characters, and not alias/aws/.
func validAlias(name string) bool {
	rest, ok := strings.CutPrefix(name, "alias/")
	return ok && rest != "" && len(name) <= 256 && !strings.HasPrefix(rest, "aws/") &&
		strings.Trim(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_-") == ""
}

func tagResource(q *query) (any, error) {
	var in struct {
		KeyId string
		Tags  []tag
	}
	if err := q.read(&in); err != nil {
		return nil, err
	}
	k, err := own(q, "TagResource", in.KeyId)
	if err != nil {
		return nil, err
	}
	if err := addTags(k, in.Tags); err != nil {
		return nil, err
	}
	q.changed = true
	return nil, nil
}

func listResourceTags(q *query) (any, error) {
	var in struct {
		KeyId, Marker string
		Limit         int
	}
	if err := q.read(&in); err != nil {
		return nil, err
	}
	k, err := own(q, "ListResourceTags", in.KeyId)
	if err != nil {
		return nil, err
	}
	names, next := page(slices.Sorted(maps.Keys(k.Tags)), in.Limit, in.Marker)
	list := []tag{}
	for _, name := range names {
		list = append(list, tag{name, k.Tags[name]})
	}
	return truncated(object{"Tags": list}, next), nil
}

// own is open for an action that does not cross accounts.
func own(q *query, action, ref string) (*key, error) {
	if err := ownAccount(q, action); err != nil {
		return nil, err
	}
	return open(q, action, ref, nil)
}
