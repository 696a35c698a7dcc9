package account

import (
	"slices"
	"testing"

	"cross-account-s3/policy"
)

// administered is a key policy that lets one principal of the account do everything.
func administered(by string) string {
	return `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "` + by + `"}, "Action": "kms:*", "Resource": "*"}}`
}

func TestKMSKeys(t *testing.T) {
	w := newWorld(t)
	role := must(w.CreateRole(Role{Account: data, Name: "Admin", TrustPolicy: trustsLambda}))(t)
	expectCode(t, "identity policy", w.PutRolePolicy(role.ARN, "all", `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}`), "")
	by := must(w.AssumeRole(role.ARN, "s"))(t)
	create := func(policy string) (KMSKey, error) {
		return w.CreateKMSKey(t.Context(), &by, KMSKey{Account: data, Region: "us-east-1", Policy: policy})
	}
	for name, c := range map[string]struct{ policy, want string }{
		"without a policy":                  {"", ""},
		"left to the account":               {administered("arn:aws:iam::" + data + ":root"), ""},
		"for whoever makes it":              {administered(role.ARN), ""},
		"that locks out whoever makes it":   {administered("arn:aws:iam::" + compute + ":root"), "MalformedPolicyDocumentException"},
		"for a principal that there is not": {administered("arn:aws:iam::" + data + ":role/Nobody"), "MalformedPolicyDocumentException"},
		"that is no policy":                 {"{}", "MalformedPolicyDocumentException"},
	} {
		before := len(w.Inventory())
		key, err := create(c.policy)
		expectCode(t, name, err, c.want)
		if made := len(w.Inventory()) - before; (made == 1) != (err == nil) {
			t.Errorf("%s: %d keys were made", name, made)
		}
		if err == nil && key.ID == "" {
			t.Errorf("%s: no id", name)
		}
	}
}

func TestKMSAliases(t *testing.T) {
	w := newWorld(t)
	role := must(w.CreateRole(Role{Account: data, Name: "Admin", TrustPolicy: trustsLambda}))(t)
	expectCode(t, "identity policy", w.PutRolePolicy(role.ARN, "named", `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kms:*",
		"Resource": "*", "Condition": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/mine"}}}}`), "")
	expectCode(t, "policies of the account", w.PutRolePolicy(role.ARN, "make", `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kms:PutKeyPolicy",
		"Resource": "*"}}`), "")
	by := must(w.AssumeRole(role.ARN, "s"))(t)
	key := must(w.CreateKMSKey(t.Context(), &by, KMSKey{Account: data, Region: "us-east-1"}))(t)
	decrypts := func() policy.Decision {
		_, result, err := w.Authorize(t.Context(), &by, "kms:Decrypt", key.ARN(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return result.Decision
	}
	if got := decrypts(); got != policy.ImplicitlyDenied {
		t.Errorf("without the alias: %s", got)
	}
	arn := must(w.PutKMSAlias("alias/mine", key.ARN(), true))(t)
	if got := decrypts(); got != policy.Allowed {
		t.Errorf("with the alias: %s", got)
	}
	for _, id := range []string{key.ID, key.ARN(), "alias/mine", arn} {
		if found, err := w.FindKMSKey(data, "us-east-1", id); err != nil || found.ID != key.ID {
			t.Errorf("%s is %s %v", id, found.ID, err)
		}
	}
	for name, c := range map[string]struct {
		alias, key string
		create     bool
		want       string
	}{
		"there already":    {"alias/mine", key.ARN(), true, "AlreadyExistsException"},
		"moved":            {"alias/mine", key.ARN(), false, ""},
		"moved, not there": {"alias/other", key.ARN(), false, "NotFoundException"},
		"of AWS":           {"alias/aws/s3", key.ARN(), true, "InvalidAliasNameException"},
		"without alias/":   {"mine", key.ARN(), true, "InvalidAliasNameException"},
		"of no key":        {"alias/none", key.ARN() + "x", true, "NotFoundException"},
	} {
		_, err := w.PutKMSAlias(c.alias, c.key, c.create)
		expectCode(t, name, err, c.want)
	}
	expectCode(t, "delete the key", w.DeleteKMSKey(key.ARN()), "")
	if left := w.Inventory(); slices.Contains(left, arn) {
		t.Errorf("the alias outlives its key: %v", left)
	}
	expectCode(t, "delete the alias", w.DeleteKMSAlias(arn), "NotFoundException")
}
