package components

import (
	"encoding/json"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"cross-account-s3/policy"
)

// encrypted is access to the bucket of the examples, which a key encrypts.
func encrypted(permissions ...Permission) Access {
	access := accessTo("", permissions...)
	access.Key = &BucketKey{Region: "us-east-1", AccountID: "987654321098"}
	return access
}

func TestBucketEncryptionKey(t *testing.T) {
	access := encrypted(Read, Write)
	document, err := access.keyDocument(roleARN, Consumers{})
	if err != nil {
		t.Fatal(err)
	}
	m := &monitor{previews: true}
	if err := m.run("account-b", nil, func(ctx *pulumi.Context) error {
		_, err := NewSharedBucket(ctx, "bucket", &SharedBucketArgs{Access: access, Role: ComputeRole{ARN: roleARN, UniqueID: "AROAEXAMPLE"}})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	key := m.one(t, "aws:kms/key:Key")
	expectEqual(t, "rotation", key.inputs["enableKeyRotation"], true)
	expectEqual(t, "alias", m.one(t, "aws:kms/alias:Alias").inputs["name"], "alias/my-cross-account-bucket")
	policy := m.one(t, "aws:kms/keyPolicy:KeyPolicy")
	expectEqual(t, "key policy, known at preview", policy.inputs["policy"], document)
	expectEqual(t, "what replaces the key policy", policy.replacementTrigger, "AROAEXAMPLE")
	expectEqual(t, "what replaces the key", key.replacementTrigger, nil)
	rules := m.one(t, "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2").inputs["rules"].([]any)
	rule := rules[0].(map[string]any)
	expectEqual(t, "bucket key", rule["bucketKeyEnabled"], true)
	expectEqual(t, "algorithm", rule["applyServerSideEncryptionByDefault"].(map[string]any)["sseAlgorithm"], "aws:kms")
}

// What the two policies come to at the key, which S3 asks for in the role's name.
func TestKeyDecisions(t *testing.T) {
	const (
		keyARN  = "arn:aws:kms:us-east-1:987654321098:key/11111111-2222-3333-8444-555555555555"
		session = "arn:aws:sts::123456789012:assumed-role/CrossAccountS3Role/CrossAccountS3Access"
	)
	engine, err := policy.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		access    Access
		principal string
		action    string
		change    map[string]any
		want      policy.Decision
	}{
		"reading":                        {encrypted(Read), session, "kms:Decrypt", nil, policy.Allowed},
		"reading an object's own key":    {encrypted(Read), session, "kms:Decrypt", map[string]any{"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::my-cross-account-bucket/k"}, policy.Allowed},
		"writing":                        {encrypted(Write), session, "kms:GenerateDataKey", nil, policy.Allowed},
		"writing without the permission": {encrypted(Read), session, "kms:GenerateDataKey", nil, policy.ImplicitlyDenied},
		"reading without the permission": {encrypted(Write, Delete, List), session, "kms:Decrypt", nil, policy.ImplicitlyDenied},
		"listing alone":                  {encrypted(List), session, "kms:Decrypt", nil, policy.ImplicitlyDenied},
		"not through S3":                 {encrypted(Read), session, "kms:Decrypt", map[string]any{"kms:ViaService": nil}, policy.ImplicitlyDenied},
		"through another region's S3":    {encrypted(Read), session, "kms:Decrypt", map[string]any{"kms:ViaService": "s3.eu-west-1.amazonaws.com"}, policy.ImplicitlyDenied},
		"for another bucket":             {encrypted(Read), session, "kms:Decrypt", map[string]any{"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::my-cross-account-bucket2"}, policy.ImplicitlyDenied},
		"another key":                    {encrypted(Read), session, "kms:Decrypt", map[string]any{"kms:ResourceAliases": []any{"alias/other"}}, policy.ImplicitlyDenied},
		"a key with a second alias":      {encrypted(Read), session, "kms:Decrypt", map[string]any{"kms:ResourceAliases": []any{"alias/other", "alias/my-cross-account-bucket"}}, policy.Allowed},
		"another role":                   {encrypted(Read), "arn:aws:sts::123456789012:assumed-role/Other/s", "kms:Decrypt", nil, policy.ImplicitlyDenied},
		"changing the policy":            {encrypted(Read, Write), session, "kms:PutKeyPolicy", nil, policy.ImplicitlyDenied},
		"the administrator of the key":   {encrypted(Read), "arn:aws:sts::987654321098:assumed-role/Deploy/s", "kms:PutKeyPolicy", nil, policy.Allowed},
	} {
		identity, err := c.access.identityDocument()
		if err != nil {
			t.Fatal(err)
		}
		key, err := c.access.keyDocument(roleARN, Consumers{})
		if err != nil {
			t.Fatal(err)
		}
		if policy.AccountOf(c.principal) == "987654321098" {
			identity = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
		}
		resource := policy.Resource{ARN: keyARN, AccountID: "987654321098"}
		given := policy.ImpliedContext(c.principal, resource)
		given["kms:ViaService"] = "s3.us-east-1.amazonaws.com"
		given["kms:CallerAccount"] = policy.AccountOf(c.principal)
		given["kms:ResourceAliases"] = []any{"alias/my-cross-account-bucket"}
		given["kms:EncryptionContext:aws:s3:arn"] = "arn:aws:s3:::my-cross-account-bucket"
		for key, value := range c.change {
			if given[key] = value; value == nil {
				delete(given, key)
			}
		}
		result, err := engine.Decide(t.Context(), policy.Case{
			Request:          policy.Request{Principal: c.principal, Action: c.action, Resource: resource, Context: given},
			IdentityPolicies: []policy.NamedPolicy{{Name: "own", Policy: json.RawMessage(identity)}},
			ResourcePolicy:   json.RawMessage(key),
		})
		if err != nil || result.Decision != c.want {
			t.Errorf("%s: %s %v, want %s\n%s\n%s", name, result.Decision, err, c.want, identity, key)
		}
	}
}

func TestKeyAlias(t *testing.T) {
	access := encrypted(Read)
	access.BucketName = "data.example.com"
	expectEqual(t, "alias of a bucket with dots", access.KeyAlias(), "alias/data_example_com")
}
