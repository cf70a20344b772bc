package local

import (
	"strconv"
	"time"

	"github.com/linnemanlabs/trustroot/kms/internal/iampolicy"
)

type policyNamed struct {
	keyID
	PolicyName string
}

func getKeyPolicy(q *query, k *key, _ policyNamed) (any, error) {
	return object{"Policy": k.Policy, "PolicyName": "default"}, nil
}

type putKeyPolicyInput struct {
	policyNamed
	Policy                         string
	BypassPolicyLockoutSafetyCheck bool
}

func putKeyPolicy(q *query, k *key, in putKeyPolicyInput) (any, error) {
	if err := acceptPolicy(q, k, in.Policy, in.BypassPolicyLockoutSafetyCheck); err != nil {
		return nil, err
	}
	k.Policy, q.changed = in.Policy, true
	return nil, nil
}

// acceptPolicy refuses a document that does not parse and, as KMS's lockout
// safety check does, one under which the caller could not replace it.
func acceptPolicy(q *query, k *key, policy string, bypass bool) error {
	if _, err := iampolicy.Parse([]byte(policy)); err != nil {
		return fail("MalformedPolicyDocumentException", "%v", err)
	}
	if bypass {
		return nil
	}
	next := *k
	next.Policy = policy
	if err := authorize(q, "PutKeyPolicy", &next, map[string]string{"kms:BypassPolicyLockoutSafetyCheck": "false"}); err != nil {
		return fail("MalformedPolicyDocumentException", "The new key policy will not allow you to update the key policy in the future.")
	}
	return nil
}

// setState enables or disables a key.
func setState(state string) func(*query, *key, keyID) (any, error) {
	return func(q *query, k *key, _ keyID) (any, error) {
		if k.State == statePendingDeletion {
			return nil, q.server.usable(k)
		}
		k.State, q.changed = state, true
		return nil, nil
	}
}

type scheduleKeyDeletionInput struct {
	KeyId               string
	PendingWindowInDays int
}

func scheduleKeyDeletion(q *query, in scheduleKeyDeletionInput) (any, error) {
	if in.PendingWindowInDays == 0 {
		in.PendingWindowInDays = 30
	}
	if in.PendingWindowInDays < 7 || in.PendingWindowInDays > 30 {
		return nil, errValidation("a pending window of %d days: it must be 7 to 30", in.PendingWindowInDays)
	}
	if err := ownAccount(q, "ScheduleKeyDeletion"); err != nil {
		return nil, err
	}
	k, err := open(q, "ScheduleKeyDeletion", in.KeyId, map[string]string{
		"kms:ScheduleKeyDeletionPendingWindowInDays": strconv.Itoa(in.PendingWindowInDays),
	})
	if err != nil {
		return nil, err
	}
	if k.State == statePendingDeletion {
		return nil, q.server.usable(k)
	}
	at := q.server.now().Add(time.Duration(in.PendingWindowInDays) * 24 * time.Hour)
	k.State, k.Deletion, q.changed = statePendingDeletion, &at, true
	return object{
		"KeyId": q.server.keyARN(k), "KeyState": k.State,
		"DeletionDate": epoch(at), "PendingWindowInDays": in.PendingWindowInDays,
	}, nil
}

func cancelKeyDeletion(q *query, k *key, _ keyID) (any, error) {
	if k.State != statePendingDeletion {
		return nil, fail("KMSInvalidStateException", "%s is not pending deletion.", q.server.keyARN(k))
	}
	k.State, k.Deletion, q.changed = stateDisabled, nil, true
	return object{"KeyId": q.server.keyARN(k)}, nil
}

type createGrantInput struct {
	keyAsked
	GranteePrincipal, RetiringPrincipal, Name string
	Operations                                []string
}

func createGrant(q *query, k *key, in createGrantInput) (any, error) {
	g := grant{ID: uuid(), Name: in.Name, Grantee: in.GranteePrincipal, Operations: in.Operations, Created: q.server.now()}
	k.Grants, q.changed = append(k.Grants, g), true
	return object{"GrantId": g.ID, "GrantToken": g.ID}, nil
}

type listGrantsInput struct {
	keyID
	paged
	GrantId, GranteePrincipal string
}

func listGrants(q *query, k *key, in listGrantsInput) (any, error) {
	list := []object{}
	for _, g := range k.Grants {
		if (in.GrantId == "" || in.GrantId == g.ID) && (in.GranteePrincipal == "" || in.GranteePrincipal == g.Grantee) {
			list = append(list, object{
				"KeyId": q.server.keyARN(k), "GrantId": g.ID, "Name": g.Name, "GranteePrincipal": g.Grantee,
				"Operations": g.Operations, "CreationDate": epoch(g.Created), "IssuingAccount": DefaultAccount,
			})
		}
	}
	return object{"Grants": list, "Truncated": false}, nil
}
