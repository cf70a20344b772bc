package local

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// action answers one call. It changes nothing unless it succeeds.
type action func(*query) (any, error)

var actions = map[string]action{
	"CreateKey":           read(createKey),
	"DescribeKey":         onKey("DescribeKey", anyone, describeKey),
	"GetPublicKey":        onKey("GetPublicKey", anyone, getPublicKey),
	"Sign":                read(sign),
	"Verify":              read(verify),
	"ListKeys":            read(listKeys),
	"CreateAlias":         read(setAlias("CreateAlias", false)),
	"UpdateAlias":         read(setAlias("UpdateAlias", true)),
	"ListAliases":         read(listAliases),
	"TagResource":         onKey("TagResource", own, tagResource),
	"ListResourceTags":    onKey("ListResourceTags", own, listResourceTags),
	"GetKeyPolicy":        onKey("GetKeyPolicy", own, getKeyPolicy),
	"PutKeyPolicy":        onKey("PutKeyPolicy", own, putKeyPolicy),
	"DisableKey":          onKey("DisableKey", own, setState(stateDisabled)),
	"EnableKey":           onKey("EnableKey", own, setState(stateEnabled)),
	"ScheduleKeyDeletion": read(scheduleKeyDeletion),
	"CancelKeyDeletion":   onKey("CancelKeyDeletion", own, cancelKeyDeletion),
	"CreateGrant":         onKey("CreateGrant", anyone, createGrant),
	"ListGrants":          onKey("ListGrants", anyone, listGrants),
}

// read decodes the call's parameters for an action. Fields that the stand-in
// does not know are refused, so that nothing is silently left out.
func read[In any](run func(*query, In) (any, error)) action {
	return func(q *query) (any, error) {
		var in In
		d := json.NewDecoder(bytes.NewReader(q.body))
		d.DisallowUnknownFields()
		if err := d.Decode(&in); err != nil {
			return nil, fail("SerializationException", "%v", err)
		}
		return run(q, in)
	}
}

// onKey is an action on the one key that its parameters name.
func onKey[In interface{ ref() string }](action string, find func(q *query, action, ref string) (*key, error), run func(*query, *key, In) (any, error)) action {
	return read(func(q *query, in In) (any, error) {
		k, err := find(q, action, in.ref())
		if err != nil {
			return nil, err
		}
		return run(q, k, in)
	})
}

// keyID names a key.
type keyID struct{ KeyId string }

func (k keyID) ref() string { return k.KeyId }

// keyAsked names a key, beside what is ignored.
type keyAsked struct {
	keyID
	GrantTokens []string
}

// paged asks for a page of a list.
type paged struct {
	Limit  int
	Marker string
}

// object is a JSON object of an answer.
type object map[string]any

type tag struct {
	TagKey   string
	TagValue string
}

// defaultPolicy is what KMS gives a key that was created without one: it
// trusts the account.
func defaultPolicy(account string) string {
	return `{"Version":"2012-10-17","Id":"key-default-1","Statement":[{"Sid":"Enable IAM User Permissions",` +
		`"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + account + `:root"},"Action":"kms:*","Resource":"*"}]}`
}

type createKeyInput struct {
	KeySpec, KeyUsage, Origin, Description, Policy string
	MultiRegion                                    bool
	BypassPolicyLockoutSafetyCheck                 bool
	Tags                                           []tag
}

// createKey makes the keys of curves. A key of origin EXTERNAL is made as if
// its material had been imported already.
func createKey(q *query, in createKeyInput) (any, error) {
	s := q.server
	if err := ownAccount(q, "CreateKey"); err != nil {
		return nil, err
	}
	if in.Origin == "" {
		in.Origin = "AWS_KMS"
	}
	context := map[string]string{
		"kms:KeySpec": in.KeySpec, "kms:KeyUsage": in.KeyUsage, "kms:KeyOrigin": in.Origin,
		"kms:MultiRegion": strconv.FormatBool(in.MultiRegion),
	}
	if err := authorize(q, "CreateKey", nil, context); err != nil {
		return nil, err
	}
	if len(in.Tags) > 0 {
		if err := authorize(q, "TagResource", nil, nil); err != nil {
			return nil, err
		}
	}
	if in.KeyUsage != "SIGN_VERIFY" {
		return nil, errValidation("the KMS stand-in makes keys of usage SIGN_VERIFY only, not %q", in.KeyUsage)
	}
	k := &key{
		ID: newKeyID(in.MultiRegion), Spec: in.KeySpec, Description: in.Description, Origin: in.Origin,
		MultiRegion: in.MultiRegion, State: stateEnabled, Created: s.now(), Policy: in.Policy, Tags: map[string]string{},
	}
	if k.Policy == "" {
		k.Policy = defaultPolicy(DefaultAccount)
	}
	if err := addTags(k, in.Tags); err != nil {
		return nil, err
	}
	if err := acceptPolicy(q, k, k.Policy, in.BypassPolicyLockoutSafetyCheck); err != nil {
		return nil, err
	}
	var err error
	if k.signer, err = generate(in.KeySpec); err != nil {
		return nil, err
	}
	if k.PKCS8, err = x509.MarshalPKCS8PrivateKey(k.signer); err != nil {
		return nil, err
	}
	s.store.Keys[k.ID] = k
	q.call.Key, q.changed = s.keyARN(k), true
	return object{"KeyMetadata": s.metadata(k)}, nil
}

// ownAccount refuses an action that does not cross accounts.
func ownAccount(q *query, action string) error {
	if q.caller.account == DefaultAccount {
		return nil
	}
	return fail("AccessDeniedException", "User: %s is not authorized to perform: kms:%s on resource: %s because the action does not cross accounts",
		q.caller.arn, action, q.server.arn("*"))
}

func addTags(k *key, tags []tag) error {
	for _, t := range tags {
		if t.TagKey == "" || strings.HasPrefix(t.TagKey, "aws:") {
			return fail("TagException", "tag key %q is not allowed", t.TagKey)
		}
	}
	for _, t := range tags {
		k.Tags[t.TagKey] = t.TagValue
	}
	return nil
}

func (s *Server) metadata(k *key) object {
	m := object{
		"AWSAccountId": DefaultAccount, "Arn": s.keyARN(k), "KeyId": k.ID,
		"CreationDate": epoch(k.Created), "Description": k.Description,
		"Enabled": k.State == stateEnabled, "KeyState": k.State, "KeyManager": "CUSTOMER",
		"KeySpec": k.Spec, "CustomerMasterKeySpec": k.Spec, "KeyUsage": "SIGN_VERIFY", "Origin": k.Origin,
		"MultiRegion": k.MultiRegion, "SigningAlgorithms": algorithms[k.Spec],
	}
	if k.Deletion != nil {
		m["DeletionDate"] = epoch(*k.Deletion)
	}
	if k.Origin == "EXTERNAL" {
		m["ExpirationModel"] = "KEY_MATERIAL_DOES_NOT_EXPIRE"
	}
	return m
}

// anyone finds the key that a call names, for the caller if the policies let it.
func anyone(q *query, action, ref string) (*key, error) { return open(q, action, ref, nil) }

func open(q *query, action, ref string, context map[string]string) (*key, error) {
	k, err := keyNamed(q, ref)
	if err != nil {
		return nil, err
	}
	return k, authorize(q, action, k, context)
}

func describeKey(q *query, k *key, in keyAsked) (any, error) {
	return object{"KeyMetadata": q.server.metadata(k)}, nil
}

func getPublicKey(q *query, k *key, in keyAsked) (any, error) {
	if err := q.server.usable(k); err != nil {
		return nil, err
	}
	spki, err := x509.MarshalPKIXPublicKey(k.signer.Public())
	if err != nil {
		return nil, err
	}
	return object{
		"KeyId": q.server.keyARN(k), "PublicKey": spki, "KeySpec": k.Spec, "CustomerMasterKeySpec": k.Spec,
		"KeyUsage": "SIGN_VERIFY", "SigningAlgorithms": algorithms[k.Spec],
	}, nil
}

// page cuts a sorted list for Limit and Marker; the marker is the last item
// of the page before.
func page(items []string, limit int, marker string) (cut []string, next string) {
	if marker != "" {
		i, found := slices.BinarySearch(items, marker)
		if found {
			i++
		}
		items = items[i:]
	}
	if limit <= 0 {
		limit = 100
	}
	if len(items) > limit {
		return items[:limit], items[limit-1]
	}
	return items, ""
}
