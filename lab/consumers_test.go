package lab

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cross-account-s3/lab/account"
)

// consumer is a role that uses the bucket besides the function.
type consumer struct {
	name string
	role account.Role
	key  account.Key
}

// allOfS3 shows what the data account lets its principals do: nothing that they would be refused comes from their own policies.
const allOfS3 = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["s3:*", "kms:*"], "Resource": "*"}}`

// makeConsumer makes the role of a consumer, and a session of it.
func (l *Lab) makeConsumer(t *testing.T, accountID, name, document string) consumer {
	t.Helper()
	role, err := l.World().CreateRole(account.Role{
		Account: accountID, Name: "Consumer-" + name,
		TrustPolicy: `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "` + accountID + `"}, "Action": "sts:AssumeRole"}}`,
	})
	if err == nil {
		err = l.World().PutRolePolicy(role.ARN, "consumer", document)
	}
	if err != nil {
		t.Fatal(err)
	}
	key, err := l.World().AssumeRole(role.ARN, "session")
	if err != nil {
		t.Fatal(err)
	}
	return consumer{name: name, role: role, key: key}
}

// remake deletes the role of a consumer, and makes it again.
func (l *Lab) remake(t *testing.T, c consumer) consumer {
	t.Helper()
	if err := l.World().DeleteRolePolicy(c.role.ARN, "consumer"); err != nil {
		t.Fatal(err)
	}
	if err := l.World().DeleteRole(c.role.ARN); err != nil {
		t.Fatal(err)
	}
	return l.makeConsumer(t, c.role.Account, c.name, allOfS3)
}

// state is what the stack of a consumer exports: the role with a policy, and its outputs.
func (c consumer) state(document string) string {
	const project = "urn:pulumi:partner::cross-account-s3::"
	text := func(value any) string { written, _ := json.Marshal(value); return string(written) }
	return `{"version": 3, "deployment": {"manifest": {"time": "2026-01-01T00:00:00Z", "magic": "", "version": ""}, "resources": [
		{"urn": "` + project + `pulumi:pulumi:Stack::cross-account-s3-partner", "custom": false, "type": "pulumi:pulumi:Stack",
		 "outputs": {"roleArn": "` + c.role.ARN + `", "roleUniqueId": "` + c.role.UniqueID + `"}},
		{"urn": "` + project + `pulumi:providers:aws::aws", "custom": true, "id": "p", "type": "pulumi:providers:aws",
		 "inputs": {"region": "us-east-1", "allowedAccountIds": ["` + c.role.Account + `"]}},
		{"urn": "` + project + `aws:iam/role:Role::role", "custom": true, "id": "` + c.role.Name + `", "type": "aws:iam/role:Role", "provider": "` + project + `pulumi:providers:aws::aws::p",
		 "inputs": {"name": "` + c.role.Name + `", "assumeRolePolicy": ` + text(c.role.TrustPolicy) + `},
		 "outputs": {"arn": "` + c.role.ARN + `", "uniqueId": "` + c.role.UniqueID + `", "name": "` + c.role.Name + `"}},
		{"urn": "` + project + `aws:iam/rolePolicy:RolePolicy::access", "custom": true, "id": "r:p", "type": "aws:iam/rolePolicy:RolePolicy", "provider": "` + project + `pulumi:providers:aws::aws::p",
		 "inputs": {"role": "` + c.role.Name + `", "policy": ` + text(document) + `}, "outputs": {}}
	]}}`
}

// export has the consumer's stack have this state.
func (l *Lab) export(t *testing.T, c consumer) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(path, []byte(c.state(allOfS3)), 0o600); err != nil {
		t.Fatal(err)
	}
	l.mustPulumi(t, "stack", "import", "--stack", "partner", "--file", path)
}

// attempt is one request of a consumer.
type attempt struct {
	name      string
	by        consumer
	plain     bool   // over http
	bucket    string // its name, or an alias
	operation string // get, put or list
	key       string
	allowed   bool
}

func (l *Lab) try(t *testing.T, a attempt) {
	t.Helper()
	client := l.S3(&a.by.key)
	if a.plain {
		client = s3.New(client.Options(), func(o *s3.Options) { o.BaseEndpoint = aws.String(l.Endpoint().PlainURL()) })
	}
	var err error
	switch a.operation {
	case "get":
		var object *s3.GetObjectOutput
		if object, err = client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(a.bucket), Key: aws.String(a.key)}); err == nil {
			if text, failure := io.ReadAll(object.Body); failure != nil || string(text) != "text of "+a.key {
				t.Errorf("%s: got %q %v", a.name, text, failure)
			}
		}
	case "put":
		_, err = client.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String(a.bucket), Key: aws.String(a.key), Body: strings.NewReader("text of " + a.key),
		})
	case "list":
		_, err = client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(a.bucket), Prefix: aws.String(a.key)})
	}
	if a.allowed != (err == nil) || err != nil && !isRefused(err) {
		t.Errorf("%s: %s %s is allowed: %t, want %t: %v", a.name, a.operation, a.key, err == nil, a.allowed, err)
	}
}

// Consumers of two accounts, one named by its ARN and one by its stack, which the bucket policy lets in, and then access points do.
func TestConsumers(t *testing.T) {
	const partnersStack = "organization/cross-account-s3/partner"
	reportsARN := "arn:aws:iam::123456789012:role/Consumer-reports"
	l := startLab(t, Options{Settings: map[string]map[string]string{
		ComputeStack: {"encryption": "sse-kms"},
		DataStack: {"encryption": "sse-kms", "consumers": `[
			{"name": "reports", "roleArn": "` + reportsARN + `", "permissions": ["read", "list"], "prefixes": ["reports/", "archive"]},
			{"name": "partner", "stack": "` + partnersStack + `", "permissions": ["read", "write"], "prefixes": ["partner/"]}]`},
	}})
	bucket := l.Settings.BucketName
	l.mustUp(t, ComputeStack)
	if said := l.refused(t, "preview", "--stack", DataStack, "--non-interactive"); !strings.Contains(said, "consumer partner: there is no stack "+partnersStack) {
		t.Errorf("without the stack of a consumer, a preview says\n%s", said)
	}
	reports := l.makeConsumer(t, l.Settings.ComputeAccount, "reports", allOfS3)
	partner := l.makeConsumer(t, strangersAccount, "partner", allOfS3)
	left := slices.Sorted(slices.Values(append(slices.Clone(l.principals), reports.role.ARN, partner.role.ARN)))
	l.mustPulumi(t, "stack", "init", "partner")
	l.export(t, partner)

	previewed := func(stack string) string {
		return l.mustPulumi(t, "preview", "--stack", stack, "--json", "--show-sames")
	}
	exported := func(stack string) string { return l.mustPulumi(t, "stack", "export", "--stack", stack) }
	l.expectPass(t, "the previews", previewed(ComputeStack), previewed(DataStack))
	l.mustUp(t, DataStack)
	l.expectPass(t, "the exports", exported(ComputeStack), exported(DataStack))
	// The consumer's own policy, as docs/settings.md has it: the bucket's part, the access point's, and the key's.
	own := func(statements ...string) string {
		return `{"Version": "2012-10-17", "Statement": [` + strings.Join(statements, ",") + `]}`
	}
	const key = `{"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": "arn:aws:kms:us-east-1:987654321098:key/*",
		"Condition": {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}, "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/my-cross-account-bucket"}}}`
	objects := func(resource, condition string) string {
		return `{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "` + resource + `"` + condition + `}`
	}
	direct := own(objects("arn:aws:s3:::"+bucket+"/partner/*", ""), key)
	l.expectPass(t, "the exports with the consumer's", exported(ComputeStack), exported(DataStack), partner.state(direct))
	if found := l.judge(t, exported(DataStack), partner.state(own(objects("arn:aws:s3:::"+bucket+"/other/*", ""), key))); !slices.Equal(found, []string{"one-sided-grant", "one-sided-grant", "one-sided-grant", "one-sided-grant"}) {
		t.Errorf("a consumer that asks for another folder is found %v", found)
	}
	l.noChanges(t, "with consumers", DataStack)
	l.mustPulumi(t, "refresh", "--stack", DataStack, "--yes", "--skip-preview", "--expect-no-changes", "--non-interactive")

	owner, err := l.Profile(DataProfile)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"reports/a.txt", "archive/a.txt", "data/a.txt"} {
		l.try(t, attempt{"the owner", consumer{key: owner.Key}, false, bucket, "put", key, true})
	}
	for _, a := range []attempt{
		{"in its folder", reports, false, bucket, "get", "reports/a.txt", true},
		{"in its other folder", reports, false, bucket, "get", "archive/a.txt", true},
		{"outside of them", reports, false, bucket, "get", "data/a.txt", false},
		{"a listing", reports, false, bucket, "list", "reports/", true},
		{"a listing of everything", reports, false, bucket, "list", "", false},
		{"an action it was not given", reports, false, bucket, "put", "reports/b.txt", false},
		{"over plain http", reports, true, bucket, "get", "reports/a.txt", false},
		{"another account", partner, false, bucket, "put", "partner/a.txt", true},
		{"what it wrote", partner, false, bucket, "get", "partner/a.txt", true},
		{"another's folder", partner, false, bucket, "get", "reports/a.txt", false},
		{"a listing it was not given", partner, false, bucket, "list", "partner/", false},
	} {
		l.try(t, a)
	}
	if _, failure := l.invokeEvent(t, "put", "function.txt", "text"); failure != "" {
		t.Errorf("the function beside them: %s", failure)
	}

	t.Run("roles that were made again", func(t *testing.T) {
		partner, reports = l.remake(t, partner), l.remake(t, reports)
		l.try(t, attempt{"before the next up", partner, false, bucket, "get", "partner/a.txt", false})
		l.export(t, partner)
		changed := l.mustPulumi(t, "up", "--stack", DataStack, "--yes", "--skip-preview", "--non-interactive")
		if !strings.Contains(changed, "updated") || strings.Contains(changed, "replaced") {
			t.Errorf("the policies are to be written again in place:\n%s", changed)
		}
		l.try(t, attempt{"by its stack", partner, false, bucket, "get", "partner/a.txt", true})
		// One policy names both, so that it is written again for the other as well.
		l.try(t, attempt{"by its ARN, thanks to the other", reports, false, bucket, "get", "reports/a.txt", true})
		reports = l.remake(t, reports)
		l.mustPulumi(t, "up", "--stack", DataStack, "--yes", "--skip-preview", "--expect-no-changes", "--non-interactive")
		l.try(t, attempt{"by its ARN, which tells nothing", reports, false, bucket, "get", "reports/a.txt", false})
		l.mustPulumi(t, "config", "set", "--stack", DataStack, "--path", "consumers[0].roleUniqueId", reports.role.UniqueID)
		l.mustUp(t, DataStack)
		l.try(t, attempt{"by its ARN with its id", reports, false, bucket, "get", "reports/a.txt", true})
	})

	l.mustPulumi(t, "config", "set", "--stack", DataStack, "consumerAccessPoints", "true")
	l.expectPass(t, "the previews with access points", previewed(ComputeStack), previewed(DataStack))
	l.mustUp(t, DataStack)
	l.expectPass(t, "the exports with access points", exported(ComputeStack), exported(DataStack))
	l.noChanges(t, "with access points", DataStack)
	l.mustPulumi(t, "refresh", "--stack", DataStack, "--yes", "--skip-preview", "--expect-no-changes", "--non-interactive")
	var outputs struct {
		ConsumerAccessPoints map[string]struct{ ARN, Alias string }
	}
	if err := json.Unmarshal([]byte(l.mustPulumi(t, "stack", "output", "--stack", DataStack, "--json")), &outputs); err != nil {
		t.Fatal(err)
	}
	points := outputs.ConsumerAccessPoints
	if want := "arn:aws:s3:us-east-1:987654321098:accesspoint/partner"; points["partner"].ARN != want || len(points) != 2 {
		t.Fatalf("the stack exports %v, want one of %s", points, want)
	}
	for _, a := range []attempt{
		{"in its folder", reports, false, points["reports"].Alias, "get", "reports/a.txt", true},
		{"in its other folder", reports, false, points["reports"].Alias, "get", "archive/a.txt", true},
		{"outside of them", reports, false, points["reports"].Alias, "get", "data/a.txt", false},
		{"a listing", reports, false, points["reports"].Alias, "list", "archive/", true},
		{"a listing of everything", reports, false, points["reports"].Alias, "list", "", false},
		{"an action it was not given", reports, false, points["reports"].Alias, "put", "reports/b.txt", false},
		{"over plain http", reports, true, points["reports"].Alias, "get", "reports/a.txt", false},
		{"directly", reports, false, bucket, "get", "reports/a.txt", false},
		{"another's access point", reports, false, points["partner"].Alias, "get", "reports/a.txt", false},
		{"another account", partner, false, points["partner"].Alias, "put", "partner/b.txt", true},
		{"what it wrote", partner, false, points["partner"].Alias, "get", "partner/b.txt", true},
		{"another's access point, from another account", partner, false, points["reports"].Alias, "get", "partner/a.txt", false},
		{"the owner", consumer{key: owner.Key}, false, points["reports"].Alias, "get", "data/a.txt", true},
	} {
		l.try(t, a)
	}
	l.expectGet(t, "the function beside access points", "function.txt", "text")

	t.Run("the consumer's own policy", func(t *testing.T) {
		arn := points["partner"].ARN
		through := `, "Condition": {"StringEquals": {"s3:DataAccessPointArn": "` + arn + `"}}`
		point, behind := objects(arn+"/object/partner/*", ""), objects("arn:aws:s3:::"+bucket+"/partner/*", through)
		for name, c := range map[string]struct {
			document string
			allowed  bool
		}{
			"all three": {own(point, behind, key), true}, "without the access point": {own(behind, key), false},
			"without the bucket": {own(point, key), false}, "without the key": {own(point, behind), false},
		} {
			if err := l.World().PutRolePolicy(partner.role.ARN, "consumer", c.document); err != nil {
				t.Fatal(err)
			}
			l.try(t, attempt{name, partner, false, points["partner"].Alias, "get", "partner/b.txt", c.allowed})
			if found := l.judge(t, exported(ComputeStack), exported(DataStack), partner.state(c.document)); (len(found) == 0) != c.allowed {
				t.Errorf("%s: with the consumer's stack it is found %v", name, found)
			}
		}
	})

	t.Run("a principal that is not there", func(t *testing.T) {
		document := fmt.Sprintf(`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": %q}, "Action": "s3:GetObject", "Resource": %q}}`,
			reportsARN+"2", points["reports"].ARN+"/object/*")
		if err := l.World().PutAccessPointPolicy(points["reports"].ARN, document); err == nil || !strings.Contains(err.Error(), "Invalid principal") {
			t.Errorf("a policy of an access point that names nobody: %v", err)
		}
	})

	for _, stack := range []string{DataStack, ComputeStack} {
		if err := l.Destroy(t.Context(), stack); err != nil {
			t.Fatal(err)
		}
	}
	if now := l.World().Inventory(); !slices.Equal(now, left) {
		t.Errorf("left: %v, there were %v", now, left)
	}
}

// What would only fail when it is deployed fails at preview, and says what to do.
func TestConsumersThatDoNotFit(t *testing.T) {
	var entries []string
	for i := range 60 {
		entries = append(entries, fmt.Sprintf(`{"name": "team-%d", "roleArn": "arn:aws:iam::111122223333:role/Team%d", "permissions": ["read", "list"], "prefixes": ["team-%d/"]}`, i, i, i))
	}
	l := startLab(t, Options{Settings: map[string]map[string]string{DataStack: {"consumers": "[" + strings.Join(entries, ",") + "]"}}})
	l.mustUp(t, ComputeStack)
	said := l.refused(t, "preview", "--stack", DataStack, "--non-interactive")
	for _, want := range []string{"the policy of bucket " + l.Settings.BucketName + " has 2", " bytes, and AWS takes 20480", "set consumerAccessPoints to true"} {
		if !strings.Contains(said, want) {
			t.Errorf("the preview does not say %q:\n%s", want, said)
		}
	}
	l.mustPulumi(t, "config", "set", "--stack", DataStack, "consumerAccessPoints", "true")
	l.expectPass(t, "with access points", l.mustPulumi(t, "preview", "--stack", DataStack, "--json", "--show-sames"))
}
