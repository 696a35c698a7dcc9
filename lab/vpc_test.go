package lab

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cross-account-s3/lab/account"
	"cross-account-s3/lab/endpoint"
	"cross-account-s3/policy"
)

// The function goes into a VPC, gets a way to S3 there, which account B then demands, and leaves the VPC again. The bucket has a key, which
// S3 asks for besides the endpoint, and the function a folder of it.
func TestVPC(t *testing.T) {
	const vpc, tables = "vpc-0123456789abcdef0", `["rtb-0123456789abcdef0","rtb-0123456789abcdef1"]`
	both := map[string]string{"encryption": "sse-kms", "prefix": "data/"}
	l := startLab(t, Options{Settings: map[string]map[string]string{
		DataStack: both,
		ComputeStack: {
			"encryption": "sse-kms", "prefix": "data/", "timeout": "1",
			"subnetIds": `["subnet-0123456789abcdef0","subnet-0123456789abcdef1"]`, "securityGroupIds": `["sg-0123456789abcdef0"]`,
		},
	}})
	accesses := l.watch()
	functionARN := "arn:aws:lambda:" + l.Settings.Region + ":" + l.Settings.ComputeAccount + ":function:" + l.Settings.FunctionName
	export := func() []string {
		return []string{l.mustPulumi(t, "stack", "export", "--stack", ComputeStack), l.mustPulumi(t, "stack", "export", "--stack", DataStack)}
	}
	l.mustUp(t, ComputeStack, DataStack)

	t.Run("without an endpoint", func(t *testing.T) {
		l.expectFailure(t, "no way to S3", "put", "data/a.txt", "Timeout")
		if arrived := accesses.take("s3:"); len(arrived) > 0 {
			t.Errorf("requests arrived: %v", arrived)
		}
		exports := export()
		l.expectPass(t, "the exports", exports...)
		if decision, _, told := l.explain(t, nil, exports...); decision != policy.Allowed || !strings.Contains(told, "runs in a VPC, and these files show no S3 endpoint") {
			t.Errorf("explained as %s, %q", decision, told)
		}
	})

	l.mustPulumi(t, "config", "rm", "--stack", ComputeStack, "timeout")
	for key, value := range map[string]string{"s3Endpoint": "true", "vpcId": vpc} {
		l.mustPulumi(t, "config", "set", "--stack", ComputeStack, key, value)
	}
	for i, table := range strings.Split(strings.Trim(tables, `[]"`), `","`) {
		l.mustPulumi(t, "config", "set", "--stack", ComputeStack, "--path", fmt.Sprintf("routeTableIds[%d]", i), table)
	}
	l.expectPass(t, "the previews", l.mustPulumi(t, "preview", "--stack", ComputeStack, "--json", "--show-sames"),
		l.mustPulumi(t, "preview", "--stack", DataStack, "--json", "--show-sames"))
	l.mustUp(t, ComputeStack)
	endpointID := strings.TrimSpace(l.mustPulumi(t, "stack", "output", "--stack", ComputeStack, "vpcEndpointId"))
	through, err := l.Endpoint().ServeVPCEndpoint(t.Context(), endpointID)
	if err != nil {
		t.Fatal(err)
	}

	t.Run("through the endpoint", func(t *testing.T) {
		accesses.take("")
		if _, failure := l.invokeEvent(t, "put", "data/a.txt", "text"); failure != "" {
			t.Errorf("put: %s", failure)
		}
		l.expectGet(t, "through the endpoint", "data/a.txt", "text")
		arrived := accesses.take("s3:")
		if len(arrived) == 0 {
			t.Error("no request arrived")
		}
		for _, access := range arrived {
			for key, want := range map[string]any{"aws:SourceVpce": endpointID, "aws:SourceVpc": vpc, "lambda:SourceFunctionArn": functionARN} {
				if got := access.Case.Request.Context[key]; got != want {
					t.Errorf("%s has the %s %v, want %v", access.Action, key, got, want)
				}
			}
		}
		if answer, failure := l.invokeEvent(t, "list", "data/", ""); failure != "" || !strings.Contains(fmt.Sprint(answer), "data/a.txt") {
			t.Errorf("list: %v %s", answer, failure)
		}
		l.noChanges(t, "in the VPC", ComputeStack, DataStack)
		l.mustPulumi(t, "refresh", "--stack", ComputeStack, "--yes", "--skip-preview", "--expect-no-changes", "--non-interactive")
		if count := strings.Count(export()[0], `"type": "pulumi:providers:aws"`); count != 1 {
			t.Errorf("there are %d instances of the provider aws", count)
		}
	})

	t.Run("demanded by account B", func(t *testing.T) {
		deployer, err := l.Profile(DataProfile)
		if err != nil {
			t.Fatal(err)
		}
		l.mustPulumi(t, "config", "set", "--stack", DataStack, "--path", "vpcEndpoints[0]", endpointID)
		l.mustPulumi(t, "config", "set", "--stack", DataStack, "--path", "deployRoles[0]", deployer.Key.Role)
		l.mustUp(t, DataStack)
		l.expectGet(t, "through the endpoint", "data/a.txt", "text")
		function, err := l.Profile(FunctionProfile)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := getFrom(t, l.S3(&function.Key), l.Settings.BucketName, "data/a.txt"); !isRefused(err) {
			t.Errorf("the role from elsewhere: %v", err)
		}
		if text, err := getFrom(t, l.clientOf(t, function.Key, through, 0), l.Settings.BucketName, "data/a.txt"); err != nil || text != "text" {
			t.Errorf("the role through the endpoint: %q %v", text, err)
		}
		exports := export()
		l.expectPass(t, "the exports", exports...)
		for name, c := range map[string]struct {
			given map[string]any
			want  policy.Decision
		}{
			"the function, whose way is known": {nil, policy.Allowed},
			"through another endpoint":         {map[string]any{"aws:SourceVpce": "vpce-0fedcba9876543210"}, policy.ExplicitlyDenied},
			"not from the VPC":                 {map[string]any{"aws:SourceIp": "203.0.113.7"}, policy.ExplicitlyDenied},
		} {
			if decision, about, told := l.explain(t, c.given, exports...); decision != c.want || about != "" {
				t.Errorf("%s: explained as %s by %q, want %s; %s", name, decision, about, c.want, told)
			}
		}
	})

	t.Run("what the endpoint keeps back", func(t *testing.T) {
		// The role that deploys account A may do everything, and here the bucket policies let it in.
		admin, owner := l.mustKey(t, ComputeProfile), l.mustKey(t, DataProfile)
		bucketPolicy, err := l.World().BucketPolicy(l.Settings.BucketName)
		if err != nil {
			t.Fatal(err)
		}
		open := fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":%q},"Action":"s3:*","Resource":["arn:aws:s3:::%[2]s","arn:aws:s3:::%[2]s/*"]}}`,
			admin.Role, l.Settings.BucketName)
		if err := l.World().PutBucketPolicy(l.Settings.BucketName, open); err != nil {
			t.Fatal(err)
		}
		if _, err := l.World().CreateBucket(t.Context(), account.Bucket{Account: l.Settings.ComputeAccount, Region: l.Settings.Region, Name: "another-bucket"}); err != nil {
			t.Fatal(err)
		}
		list := func(bucket, prefix string) func(*s3.Client) error {
			return func(client *s3.Client) error {
				_, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
				return err
			}
		}
		remove := func(key string) func(*s3.Client) error {
			return func(client *s3.Client) error {
				_, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &l.Settings.BucketName, Key: &key})
				return err
			}
		}
		for name, c := range map[string]struct {
			who  account.Key
			do   func(*s3.Client) error
			want bool // through the endpoint; elsewhere everything is allowed
		}{
			"the bucket":                  {admin, list(l.Settings.BucketName, "data/"), true},
			"another bucket":              {admin, list("another-bucket", ""), false},
			"an object of the folder":     {admin, remove("data/b.txt"), true},
			"an object outside of it":     {admin, remove("b.txt"), false},
			"an owner of another account": {owner, list(l.Settings.BucketName, "data/"), false},
			"an action besides": {admin, func(client *s3.Client) error {
				_, err := client.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &l.Settings.BucketName})
				return err
			}, false},
		} {
			if err := c.do(l.S3(&c.who)); err != nil {
				t.Errorf("%s, from elsewhere: %v", name, err)
			}
			err := c.do(l.clientOf(t, c.who, through, 0))
			if got := err == nil; got != c.want || err != nil && !strings.Contains(err.Error(), "because no VPC endpoint policy allows") {
				t.Errorf("%s, through the endpoint: %v", name, err)
			}
		}
		if err := l.World().DeleteBucket(t.Context(), "another-bucket"); err != nil {
			t.Error(err)
		}
		if err := l.World().PutBucketPolicy(l.Settings.BucketName, bucketPolicy); err != nil {
			t.Error(err)
		}
	})

	t.Run("an endpoint for something else", func(t *testing.T) {
		stored, err := l.World().VPCEndpoint(endpointID)
		if err != nil {
			t.Fatal(err)
		}
		changed := stored
		changed.Policy = strings.ReplaceAll(stored.Policy, l.Settings.BucketName, "reports")
		if _, err := l.World().PutVPCEndpoint(changed); err != nil {
			t.Fatal(err)
		}
		l.expectFailure(t, "its policy is about another bucket", "get", "data/a.txt", "AccessDenied")
		l.mustPulumi(t, "refresh", "--stack", ComputeStack, "--yes", "--skip-preview", "--non-interactive")
		if decision, about, _ := l.explain(t, nil, export()...); decision != policy.ImplicitlyDenied || about != "the endpoint s3, by its policy" {
			t.Errorf("explained as %s by %q", decision, about)
		}
		l.mustUp(t, ComputeStack)
		l.expectGet(t, "the next up mends it", "data/a.txt", "text")
	})

	t.Run("refused by Lambda", func(t *testing.T) {
		l.mustPulumi(t, "config", "set", "--stack", ComputeStack, "--path", "subnetIds[0]", "subnet-0fedcba9876543211")
		l.expectUpFails(t, ComputeStack, "The subnet ID 'subnet-0fedcba9876543211' does not exist")
		l.mustPulumi(t, "config", "set", "--stack", ComputeStack, "--path", "subnetIds[0]", "subnet-0123456789abcdef0")
		l.mustUp(t, ComputeStack)
		role, err := l.World().Role(l.RoleARN())
		if err != nil {
			t.Fatal(err)
		}
		if err := l.World().DeleteRolePolicy(role.ARN, "network-interfaces"); err != nil {
			t.Fatal(err)
		}
		l.mustPulumi(t, "config", "set", "--stack", ComputeStack, "memorySize", "512")
		l.expectUpFails(t, ComputeStack, "The provided execution role does not have permissions to call CreateNetworkInterface on EC2")
		l.mustPulumi(t, "up", "--stack", ComputeStack, "--refresh", "--yes", "--skip-preview", "--non-interactive")
		l.expectGet(t, "with the policy", "data/a.txt", "text")
	})

	t.Run("out of the VPC", func(t *testing.T) {
		for _, key := range []string{"subnetIds", "securityGroupIds", "s3Endpoint", "vpcId", "routeTableIds"} {
			l.mustPulumi(t, "config", "rm", "--stack", ComputeStack, key)
		}
		l.mustUp(t, ComputeStack)
		l.expectFailure(t, "account B demands the endpoint", "get", "data/a.txt", "AccessDenied")
		l.mustPulumi(t, "config", "rm", "--stack", DataStack, "vpcEndpoints")
		l.mustUp(t, DataStack)
		l.expectGet(t, "in no VPC", "data/a.txt", "text")
		if role, err := l.World().Role(l.RoleARN()); err != nil || role.Policies["network-interfaces"] != "" {
			t.Errorf("the role has %v, %v", role.Policies, err)
		}
	})

	for _, stack := range []string{DataStack, ComputeStack} {
		if err := l.Destroy(t.Context(), stack); err != nil {
			t.Fatal(err)
		}
	}
	if left := l.World().Inventory(); !slices.Equal(left, l.principals) {
		t.Errorf("left: %v, there were %v", left, l.principals)
	}
}

// A stack that has everything is taken down with the endpoint in it.
func TestDestroyInAVPC(t *testing.T) {
	l := startLab(t, Options{Settings: map[string]map[string]string{ComputeStack: {
		"subnetIds": `["subnet-0fedcba9876543210"]`, "securityGroupIds": `["sg-0fedcba9876543210"]`, "s3Endpoint": "true",
		"vpcId": "vpc-0fedcba9876543210", "routeTableIds": `["rtb-0fedcba9876543210"]`,
	}}})
	l.mustUp(t, ComputeStack)
	if err := l.Destroy(t.Context(), ComputeStack); err != nil {
		t.Fatal(err)
	}
	if left := l.World().Inventory(); !slices.Equal(left, l.principals) {
		t.Errorf("left: %v, there were %v", left, l.principals)
	}
}

// watched are the decisions of the lab's endpoint.
type watched struct {
	mutex sync.Mutex
	all   []endpoint.Access
}

func (l *Lab) watch() *watched {
	w := &watched{}
	l.Endpoint().Observe(func(access endpoint.Access) {
		w.mutex.Lock()
		defer w.mutex.Unlock()
		w.all = append(w.all, access)
	})
	return w
}

// take are the decisions on actions that begin so, since the last time.
func (w *watched) take(prefix string) []endpoint.Access {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	taken := slices.DeleteFunc(w.all, func(access endpoint.Access) bool { return !strings.HasPrefix(access.Action, prefix) })
	w.all = nil
	return taken
}

// explain is what `gate explain` says of the function reading data/a.txt: the decision, the question that makes it, which is empty for the
// request itself, and the notes.
func (l *Lab) explain(t *testing.T, given map[string]any, exports ...string) (decision policy.Decision, about, notes string) {
	t.Helper()
	rules, err := policy.NewRules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	engine, err := policy.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	files := make([]policy.File, len(exports))
	for i, text := range exports {
		files[i] = readStack(t, text)
	}
	access, err := rules.Access(t.Context(), files...)
	if err != nil {
		t.Fatal(err)
	}
	context := map[string]any{"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
	for key, value := range given {
		context[key] = value
	}
	questions, _, told, err := access.Questions(t.Context(), policy.Case{Request: policy.Request{
		Principal: "arn:aws:sts::" + l.Settings.ComputeAccount + ":assumed-role/" + l.Settings.RoleName + "/" + l.Settings.FunctionName,
		Action:    "s3:GetObject", Resource: policy.Resource{ARN: "arn:aws:s3:::" + l.Settings.BucketName + "/data/a.txt"}, Context: context,
	}})
	if err != nil {
		t.Fatal(err)
	}
	decision = policy.Allowed
	for _, question := range questions {
		result, err := question.Decide(t.Context(), engine)
		if err != nil {
			t.Fatal(err)
		}
		if result.Decision != policy.Allowed {
			return result.Decision, question.About, strings.Join(told, "\n")
		}
	}
	return decision, "", strings.Join(told, "\n")
}

// mustKey is the key of a profile.
func (l *Lab) mustKey(t *testing.T, profile string) account.Key {
	t.Helper()
	found, err := l.Profile(profile)
	if err != nil {
		t.Fatal(err)
	}
	return found.Key
}

func (l *Lab) expectUpFails(t *testing.T, stack, want string) {
	t.Helper()
	var failed *PulumiError
	if err := l.Up(t.Context(), stack); !errors.As(err, &failed) || !strings.Contains(failed.Output, want) {
		t.Errorf("the up: %v, want %s", err, want)
	}
}

// getFrom is what a client reads.
func getFrom(t *testing.T, client *s3.Client, bucket, key string) (string, error) {
	t.Helper()
	object, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)})
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(object.Body)
	return string(text), err
}
