package provider

import (
	"errors"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"cross-account-s3/lab/account"
)

// told is what another account may read here: a parameter in a share, and a secret with a policy and a key.
type told struct {
	parameter, share, secret, key string
}

// tell makes what another account may read, but does not let it yet.
func tell(t *testing.T, f *fixture) told {
	t.Helper()
	deployer := f.keys[compute]
	key, err := f.world.CreateKMSKey(t.Context(), &deployer, account.KMSKey{Account: compute, Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	parameter := account.Parameter{Account: compute, Region: "us-east-1", Name: "/told", Advanced: true, Value: "parameter"}
	share, shareErr := f.world.CreateResourceShare(account.ResourceShare{Account: compute, Region: "us-east-1", Name: "s", External: true})
	secret, secretErr := f.world.CreateSecret(account.Secret{Account: compute, Region: "us-east-1", Name: "told", Key: key.ARN()})
	if err := errors.Join(f.world.PutParameter(parameter, true), shareErr, secretErr); err != nil {
		t.Fatal(err)
	}
	return told{parameter: parameter.ARN(), share: share.ARN(), secret: secret.ARN(), key: key.ARN()}
}

// sharingLifecycles are those of what is shared.
func sharingLifecycles(t *testing.T, f *fixture, keyARN string) []life {
	t.Helper()
	made := tell(t, f)
	deployer := f.keys[compute].Role
	reads := func(action string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + deployer + `"},"Action":"` + action + `","Resource":"*"}]}`
	}
	return []life{
		{"aws:ssm/parameter:Parameter", map[string]any{"name": "/p", "type": "String", "insecureValue": "one"},
			map[string]any{"description": "two", "insecureValue": "two", "tier": "Advanced", "tags": map[string]any{"a": "b"}}},
		{"aws:ram/resourceShare:ResourceShare", map[string]any{"name": "one"},
			map[string]any{"name": "two", "allowExternalPrincipals": true, "tags": map[string]any{"a": "b"}}},
		{"aws:ram/resourceAssociation:ResourceAssociation", map[string]any{"resourceArn": made.parameter, "resourceShareArn": made.share}, nil},
		{"aws:ram/principalAssociation:PrincipalAssociation", map[string]any{"principal": data, "resourceShareArn": made.share}, nil},
		{"aws:secretsmanager/secret:Secret", map[string]any{"name": "own", "kmsKeyId": keyARN, "recoveryWindowInDays": 0.0},
			map[string]any{"description": "two", "kmsKeyId": made.key, "tags": map[string]any{"a": "b"}}},
		{"aws:secretsmanager/secretPolicy:SecretPolicy", map[string]any{"secretArn": made.secret, "policy": reads("secretsmanager:GetSecretValue"), "blockPublicPolicy": true},
			map[string]any{"policy": reads("secretsmanager:DescribeSecret")}},
		{"aws:secretsmanager/secretVersion:SecretVersion", map[string]any{"secretId": made.secret, "secretString": "one"}, nil},
	}
}

func TestSharingRefusals(t *testing.T) {
	f := newFixture(t, nil)
	i := f.configured(t, compute)
	made := tell(t, f)
	i.mustCreate("aws:ssm/parameter:Parameter", map[string]any{"name": "/standard", "type": "String", "insecureValue": "x"})
	standard := strings.Replace(made.parameter, "/told", "/standard", 1)
	_, _, closed := i.mustCreate("aws:ram/resourceShare:ResourceShare", map[string]any{"name": "closed"})
	for _, c := range []struct {
		name, token string
		inputs      map[string]any
		want        string
	}{
		{"a parameter that exists", "aws:ssm/parameter:Parameter", map[string]any{"name": "/told", "type": "String", "insecureValue": "x"}, "ParameterAlreadyExists"},
		{"a secure parameter", "aws:ssm/parameter:Parameter", map[string]any{"name": "/q", "type": "SecureString", "insecureValue": "x"}, "UnsupportedParameterType"},
		{"a standard parameter that is too long", "aws:ssm/parameter:Parameter", map[string]any{"name": "/q", "type": "String", "insecureValue": strings.Repeat("x", 4097)}, "ValidationException"},
		{"sharing a standard parameter", "aws:ram/resourceAssociation:ResourceAssociation", map[string]any{"resourceArn": standard, "resourceShareArn": made.share}, "standard tier"},
		{"sharing another account's parameter", "aws:ram/resourceAssociation:ResourceAssociation", map[string]any{"resourceArn": strings.Replace(made.parameter, compute, data, 1), "resourceShareArn": made.share}, "UnknownResourceException"},
		{"a share that there is not", "aws:ram/principalAssociation:PrincipalAssociation", map[string]any{"principal": data, "resourceShareArn": made.share + "0"}, "UnknownResourceException"},
		{"an account outside of the organization", "aws:ram/principalAssociation:PrincipalAssociation", map[string]any{"principal": data, "resourceShareArn": closed["arn"].StringValue()}, "OperationNotPermittedException"},
		{"a secret that exists", "aws:secretsmanager/secret:Secret", map[string]any{"name": "told", "kmsKeyId": made.key, "recoveryWindowInDays": 0.0}, "ResourceExistsException"},
		{"a secret that can be restored", "aws:secretsmanager/secret:Secret", map[string]any{"name": "q", "kmsKeyId": made.key}, "recoveryWindowInDays"},
		{"a secret without its key", "aws:secretsmanager/secret:Secret", map[string]any{"name": "q", "kmsKeyId": made.key + "0", "recoveryWindowInDays": 0.0}, "NotFoundException"},
		{"a policy for nobody", "aws:secretsmanager/secretPolicy:SecretPolicy", map[string]any{"secretArn": made.secret, "policy": secretGrants("arn:aws:iam::" + data + ":role/Nobody")}, "unsupported principal"},
	} {
		if _, _, _, err := i.create(c.token, c.inputs); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	id, inputs, outputs := i.mustCreate("aws:ssm/parameter:Parameter", map[string]any{"name": "/advanced", "type": "String", "insecureValue": "x", "tier": "Advanced"})
	inputs["tier"] = resource.NewProperty("Standard")
	if _, err := i.update("aws:ssm/parameter:Parameter", id, outputs, inputs); err == nil || !strings.Contains(err.Error(), "advanced tier") {
		t.Errorf("back to the standard tier: %v", err)
	}
}

func secretGrants(principal string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}]}`
}

func keyGrants(principal, via string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + compute + `:root"},"Action":"kms:*","Resource":"*"},` +
		`{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"kms:ViaService":"` + via + `"}}}]}`
}

// Another account reads what is shared with it, and only if both sides let it.
func TestFunctions(t *testing.T) {
	f := newFixture(t, nil)
	made := tell(t, f)
	owner := f.configured(t, compute)
	owner.mustCreate("aws:secretsmanager/secretVersion:SecretVersion", map[string]any{"secretId": made.secret, "secretString": "secret"})
	reader := f.keys[data].Role
	// Every permission but one.
	allBut := func(action string) string {
		return strings.TrimSuffix(everything, "]}") + `,{"Effect":"Deny","Action":"` + action + `","Resource":"*"}]}`
	}
	steps := func(errs ...error) {
		t.Helper()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	deployer := f.keys[compute]
	setKey := func(document string) error {
		key, err := f.world.KMSKey(made.key)
		if err != nil {
			return err
		}
		key.Policy = document
		return f.world.UpdateKMSKey(t.Context(), &deployer, key)
	}
	setSecret := func(document string) error {
		return f.world.ChangeSecret(made.secret, func(s *account.Secret) { s.Policy = document })
	}
	setReader := func(document string) error { return f.world.PutRolePolicy(reader, "everything", document) }

	const (
		getParameter, getSecret = "aws:ssm/getParameter:getParameter", "aws:secretsmanager/getSecretVersion:getSecretVersion"
		denied                  = "AccessDenied: arn:aws:sts::" + data
	)
	// The parameter says parameter and the secret secret, unless they are refused.
	expect := func(what, account, token, refusal string) {
		t.Helper()
		arguments, output, value := map[string]any{"name": made.parameter}, resource.PropertyKey("insecureValue"), "parameter"
		if token == getSecret {
			arguments, output, value = map[string]any{"secretId": made.secret}, "secretString", "secret"
		}
		text, err := write(resource.NewPropertyMapFromMap(arguments))
		if err != nil {
			t.Fatal(err)
		}
		response, err := f.configured(t, account).client.Invoke(t.Context(), &pulumirpc.InvokeRequest{Tok: token, Args: text})
		if refusal != "" {
			if err == nil || !strings.Contains(err.Error(), refusal) {
				t.Errorf("%s: %v, want %s", what, err, refusal)
			}
			return
		}
		if err != nil {
			t.Errorf("%s: %v", what, err)
			return
		}
		outputs, err := read(response.GetReturn())
		if err != nil {
			t.Fatal(err)
		}
		if got := outputs[output]; !got.IsString() || got.StringValue() != value {
			t.Errorf("%s: %v, want %s", what, got, value)
		}
	}

	expect("the own account", compute, getParameter, "")
	expect("in no share", data, getParameter, denied)
	steps(f.world.ShareResource(made.share, made.parameter))
	expect("shared with nobody", data, getParameter, denied)
	steps(f.world.ShareWith(made.share, data))
	expect("invited", data, getParameter, denied)
	steps(f.world.AcceptShare(made.share, data))
	expect("accepted", data, getParameter, "")
	steps(setReader(allBut("ssm:GetParameter")))
	expect("without a permission of its own", data, getParameter, denied)
	steps(setReader(everything), f.world.DeleteResourceShare(made.share))
	expect("no longer shared", data, getParameter, denied)
	steps(f.world.DeleteParameter(made.parameter))
	expect("gone", compute, getParameter, "ParameterNotFound: ")

	const via = "secretsmanager.us-east-1.amazonaws.com"
	expect("the own account", compute, getSecret, "")
	expect("without any policy", data, getSecret, denied)
	steps(setSecret(secretGrants(reader)))
	expect("without the key", data, getSecret, "Access to KMS is not allowed: AccessDenied: ")
	steps(setKey(keyGrants(reader, "s3.us-east-1.amazonaws.com")))
	expect("with the key through S3", data, getSecret, "Access to KMS is not allowed: AccessDenied: ")
	steps(setKey(keyGrants(reader, via)))
	expect("with secret and key", data, getSecret, "")
	for _, action := range []string{"secretsmanager:GetSecretValue", "kms:Decrypt"} {
		steps(setReader(allBut(action)))
		expect("without its own "+action, data, getSecret, "not authorized to perform "+action)
	}
	steps(setReader(everything), setSecret(""))
	expect("with the key alone", data, getSecret, denied)
	steps(setSecret(secretGrants(data)))
	steps(setKey(keyGrants(data, via)))
	expect("as its account lets it", data, getSecret, "")
	steps(f.world.ChangeSecret(made.secret, func(s *account.Secret) { s.Value = "" }))
	expect("without a value", compute, getSecret, "ResourceNotFoundException: ")
	steps(f.world.DeleteSecret(made.secret))
	expect("gone", compute, getSecret, "ResourceNotFoundException: ")
}
