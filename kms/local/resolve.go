package local

import (
	"strings"
	"time"
)

func (s *Server) arn(resource string) string {
	return "arn:aws:kms:" + DefaultRegion + ":" + DefaultAccount + ":" + resource
}

func (s *Server) keyARN(k *key) string { return s.arn("key/" + k.ID) }

// keyNamed finds what a call's KeyId names: key ID, key ARN, alias or alias ARN.
// Key IDs and alias names are looked up in the caller's own account, as KMS
// does: they do not cross accounts.
func keyNamed(q *query, ref string) (*key, error) {
	s := q.server
	q.call.Key = ref
	prefix := s.arn("")
	name, isARN := strings.CutPrefix(ref, prefix)
	switch {
	case ref == "":
		return nil, errValidation("1 validation error detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null")
	case strings.HasPrefix(ref, "arn:") && !isARN:
		if region := strings.Split(ref+":::::", ":")[3]; region != DefaultRegion {
			return nil, errNotFound("Invalid arn " + region)
		}
		return nil, errNotFound("Key '" + ref + "'")
	case !isARN && q.caller.account != DefaultAccount:
		what := "Key '" + foreign(q, "key/"+ref) + "'"
		if strings.HasPrefix(ref, "alias/") {
			what = "Alias " + foreign(q, ref)
		}
		return nil, errNotFound(what)
	case !isARN && !strings.HasPrefix(ref, "alias/"):
		name = "key/" + ref
	case !isARN:
		name = ref
	}
	if strings.HasPrefix(name, "alias/") {
		id, ok := s.store.Aliases[name]
		if !ok {
			return nil, errNotFound("Alias " + s.arn(name))
		}
		name = "key/" + id
	}
	id, isKey := strings.CutPrefix(name, "key/")
	k, ok := s.store.Keys[id]
	if !ok || !isKey || s.gone(k) {
		return nil, errNotFound("Key '" + s.arn(name) + "'")
	}
	q.call.Key = s.keyARN(k)
	return k, nil
}

func foreign(q *query, resource string) string {
	return "arn:aws:kms:" + DefaultRegion + ":" + q.caller.account + ":" + resource
}

// gone reports whether a key's waiting period for deletion is over.
func (s *Server) gone(k *key) bool {
	return k.Deletion != nil && !s.options.Now().Before(*k.Deletion)
}

// usable refuses a key that is not enabled, in KMS's words (Developer Guide,
// "Key states of KMS keys").
func (s *Server) usable(k *key) error {
	switch k.State {
	case stateEnabled:
		return nil
	case stateDisabled:
		return fail("DisabledException", "%s is disabled.", s.keyARN(k))
	}
	return fail("KMSInvalidStateException", "%s is pending deletion.", s.keyARN(k))
}

func (s *Server) now() time.Time { return s.options.Now().UTC().Truncate(time.Millisecond) }
