// Package components is the Pulumi side of the system: what a stack's settings may be, the policy documents that follow from them,
// and the resources of each account. One component is one file: XArgs, X and NewX.
package components

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

// Side says which half of the system a stack deploys.
type Side string

// The two sides. Compute comes first: the bucket policy of the data side names its role.
const (
	Compute Side = "compute"
	Data    Side = "data"
)

// Enforcement says what becomes of a stack that the rules refuse.
type Enforcement string

// The enforcements, in the words of Pulumi's policies.
const (
	Mandatory Enforcement = "mandatory" // it fails
	Advisory  Enforcement = "advisory"  // it is warned of
)

// Settings are the configuration of one stack, checked.
type Settings struct {
	Side Side
	// Region is where the stack's resources are, as in us-east-1.
	Region string
	// ComputeAccountID and DataAccountID are the two accounts, twelve digits each.
	ComputeAccountID string
	DataAccountID    string
	// RoleName is the function's execution role in the compute account.
	RoleName string
	// Access is what that role may do with the bucket.
	Access Access
	// Function is how the function runs.
	Function FunctionSettings
	// VPC is the network that the function is connected to.
	VPC VPC
	// ComputeStack is the stack that the data side reads the role from: organization/project/stack.
	ComputeStack string
	// Sharing is how the data side comes to know the role.
	Sharing Sharing
	// Consumers are those who may use the bucket besides that role, as far as the settings tell.
	Consumers Consumers
	// ForceDestroy lets the bucket be destroyed together with its objects.
	ForceDestroy bool
	// Monitoring is how both accounts are watched.
	Monitoring MonitoringSettings
	// AccessAnalyzer is whether IAM Access Analyzer looks for what others can reach in the account.
	AccessAnalyzer bool
	// Hardening is what protects the bucket besides.
	Hardening Hardening
	// Guard says whether the rules refuse a deployment or only warn.
	Guard Enforcement
}

// FunctionSettings are how the function runs.
type FunctionSettings struct {
	Name string
	// Architecture is arm64 or x86_64.
	Architecture string
	// MemorySize is in MiB, Timeout in seconds.
	MemorySize int
	Timeout    int
	// ReservedConcurrency is the most invocations at once; -1 is no limit of its own.
	ReservedConcurrency int
	LogRetentionDays    int
	// Tracing is PassThrough or Active.
	Tracing string
	// Oversize is what becomes of an object too large for a response: presign or refuse.
	Oversize string
	// PresignTTL is how long a presigned URL is valid.
	PresignTTL time.Duration
}

// RoleARN is the ARN the execution role has. It follows from the settings, so documents that name it are known at preview.
func (s *Settings) RoleARN() string {
	return fmt.Sprintf("arn:%s:iam::%s:role/%s", s.Access.Partition, s.ComputeAccountID, s.RoleName)
}

// LogGroupName is the log group that Lambda writes to unless told otherwise.
func (s *Settings) LogGroupName() string { return "/aws/lambda/" + s.Function.Name }

// LogGroupARN is the ARN of the function's log group, without the star for its streams.
func (s *Settings) LogGroupARN() string {
	return fmt.Sprintf("arn:%s:logs:%s:%s:log-group:%s", s.Access.Partition, s.Region, s.ComputeAccountID, s.LogGroupName())
}

// FunctionARN is the ARN the function has.
func (s *Settings) FunctionARN() string {
	return fmt.Sprintf("arn:%s:lambda:%s:%s:function:%s", s.Access.Partition, s.Region, s.ComputeAccountID, s.Function.Name)
}

// The forms of names and ids, each as its service documents it.
var (
	accountIDForm = regexp.MustCompile(`^[0-9]{12}$`)
	// https://docs.aws.amazon.com/general/latest/gr/rande.html
	regionForm = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]+$`)
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
	bucketNameForm     = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	ipAddressForm      = regexp.MustCompile(`^[0-9]+(\.[0-9]+){3}$`)
	reservedBucketName = regexp.MustCompile(`^(xn--|sthree-|amzn-s3-demo-)|(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$`)
	// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
	roleNameForm = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	roleARNForm  = regexp.MustCompile(`^arn:aws[a-z-]*:iam::([0-9]{12}):role/[\w+=,.@/-]+$`)
	// https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
	functionNameForm = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
	// Of the characters that S3 calls safe and those that are common in keys, the ones that mean nothing else in a policy, where a
	// star, a question mark and a dollar sign would. https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
	prefixForm = regexp.MustCompile(`^([A-Za-z0-9!_.'()=+@:,-]+/)*$`)
	// https://www.pulumi.com/docs/iac/concepts/stacks/#stackreferences
	stackForm = regexp.MustCompile(`^[\w.-]+/[\w.-]+/[\w.-]+$`)
)

// longestPresign is how long a URL can be valid that is signed with the credentials of a role: no longer than these are.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
const longestPresign = 12 * time.Hour

// logRetentionDays are the periods CloudWatch Logs knows.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
var logRetentionDays = []int{
	1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
}

// ReadSettings reads and checks the whole configuration of the stack, before anything is registered. Its error holds every
// problem there is, one a line, each with the key, the value and what is allowed.
func ReadSettings(ctx *pulumi.Context) (*Settings, error) {
	r := reader{ctx: ctx, known: map[string]bool{}}
	s := &Settings{
		Side:             Side(r.oneOf("side", string(Compute), string(Data))),
		Region:           r.matching("aws:region", regionForm, "a region, as in us-east-1"),
		ComputeAccountID: r.matching("computeAccountId", accountIDForm, "an account id: twelve digits, in quotes"),
		DataAccountID:    r.matching("dataAccountId", accountIDForm, "an account id: twelve digits, in quotes"),
		RoleName:         r.matching("roleName", roleNameForm, "a role name: 1 to 64 letters, digits and +=,.@_-"),
		Access: Access{
			BucketName:  r.bucketName("bucketName"),
			Prefix:      r.prefix("prefix"),
			Permissions: r.permissions("permissions"),
			Conditions:  r.conditions(),
		},
		Function: FunctionSettings{
			Name:                r.matching("functionName", functionNameForm, "a function name: 1 to 64 letters, digits, - and _"),
			Architecture:        r.oneOf("architecture", "arm64", "x86_64"),
			MemorySize:          r.integer("memorySize", 128, 10240, "MiB"),
			Timeout:             r.integer("timeout", 1, 900, "seconds"),
			ReservedConcurrency: r.integer("reservedConcurrency", -1, 100_000, "invocations at once, where -1 is no limit"),
			LogRetentionDays:    r.retention("logRetentionDays"),
			Tracing:             r.oneOf("tracing", "PassThrough", "Active"),
			Oversize:            r.oneOf("oversize", "presign", "refuse"),
			PresignTTL:          r.duration("presignTtl", time.Second, longestPresign),
		},
		VPC:            r.vpc(),
		ComputeStack:   r.stack("computeStack", "account-a"),
		Sharing:        r.sharing(),
		Consumers:      Consumers{Each: r.consumers("consumers"), AccessPoints: r.boolean("consumerAccessPoints")},
		ForceDestroy:   r.boolean("forceDestroy"),
		Monitoring:     r.monitoring(),
		AccessAnalyzer: r.boolean("accessAnalyzer"),
		Hardening:      r.hardening(),
		Guard:          Enforcement(r.oneOf("guard", string(Mandatory), string(Advisory))),
	}
	if Encryption(r.oneOf("encryption", string(SSES3), string(SSEKMS))) == SSEKMS {
		s.Access.Key = &BucketKey{Region: s.Region, AccountID: s.DataAccountID}
	}
	s.Access.Partition = partition(s.Region)
	r.checkSharing(s)
	s.Consumers.AccountID = s.DataAccountID

	if s.ComputeAccountID != "" && s.ComputeAccountID == s.DataAccountID {
		r.refuse("dataAccountId", s.DataAccountID, "an account other than computeAccountId: access within one account needs no second half")
	}
	switch s.Side {
	case Compute:
		r.guard("computeAccountId", s.ComputeAccountID)
	case Data:
		r.guard("dataAccountId", s.DataAccountID)
		r.deployRoles(s.Access.Conditions, s.DataAccountID)
		r.consumerRoles("consumers", s)
	}
	r.strangers()

	if len(r.problems) > 0 {
		return nil, fmt.Errorf("the settings of stack %s cannot be used:\n%w", ctx.Stack(), errors.Join(r.problems...))
	}
	return s, nil
}

// partition is the first part of every ARN in a region. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
func partition(region string) string {
	for prefix, partition := range map[string]string{
		"cn-":      "aws-cn",
		"us-gov-":  "aws-us-gov",
		"us-iso-":  "aws-iso",
		"us-isob-": "aws-iso-b",
		"us-isof-": "aws-iso-f",
		"eu-isoe-": "aws-iso-e",
		"eusc-":    "aws-eusc",
	} {
		if strings.HasPrefix(region, prefix) {
			return partition
		}
	}
	return "aws"
}

// reader reads keys and gathers what is wrong with them. After a problem it hands out the zero value, so that every other key is
// still looked at.
type reader struct {
	ctx      *pulumi.Context
	known    map[string]bool
	problems []error
}

// qualified is a key with its namespace, which is the project's unless the key has one, as in aws:region.
func (r *reader) qualified(key string) string {
	if strings.Contains(key, ":") {
		return key
	}
	return r.ctx.Project() + ":" + key
}

// refuse notes a value that is not allowed, and what is.
func (r *reader) refuse(key, value, allowed string) {
	r.problems = append(r.problems, fmt.Errorf("  %s is %q, and has to be %s", r.qualified(key), value, allowed))
}

// text is the value of a key; empty where it has none. Defaults stand in Pulumi.yaml, not here.
func (r *reader) text(key string) string {
	r.known[r.qualified(key)] = true
	return config.Get(r.ctx, r.qualified(key))
}

func (r *reader) matching(key string, form *regexp.Regexp, allowed string) string {
	value := r.text(key)
	if !form.MatchString(value) {
		r.refuse(key, value, allowed)
		return ""
	}
	return value
}

func (r *reader) oneOf(key string, allowed ...string) string {
	value := r.text(key)
	if !slices.Contains(allowed, value) {
		r.refuse(key, value, strings.Join(allowed, " or "))
		return ""
	}
	return value
}

func (r *reader) integer(key string, least, most int, unit string) int {
	text := r.text(key)
	value, err := strconv.Atoi(text)
	if err != nil || value < least || value > most {
		r.refuse(key, text, fmt.Sprintf("a whole number of %s, from %d to %d", unit, least, most))
		return 0
	}
	return value
}

func (r *reader) retention(key string) int {
	text := r.text(key)
	value, err := strconv.Atoi(text)
	if err != nil || !slices.Contains(logRetentionDays, value) {
		r.refuse(key, text, "a number of days that CloudWatch knows: one of "+strings.Trim(fmt.Sprint(logRetentionDays), "[]"))
		return 0
	}
	return value
}

func (r *reader) boolean(key string) bool {
	text := r.text(key)
	if text != "true" && text != "false" {
		r.refuse(key, text, "true or false")
	}
	return text == "true"
}

func (r *reader) duration(key string, least, most time.Duration) time.Duration {
	text := r.text(key)
	value, err := time.ParseDuration(text)
	if err != nil || value < least || value > most {
		r.refuse(key, text, fmt.Sprintf("a duration from %s to %s, as in 15m or 1h30m", least, most))
		return 0
	}
	return value
}

// stack reads the full name of a stack; without a value it is the stack of that name in the same organization and project.
func (r *reader) stack(key, sibling string) string {
	if r.text(key) == "" {
		return fmt.Sprintf("%s/%s/%s", r.ctx.Organization(), r.ctx.Project(), sibling)
	}
	return r.matching(key, stackForm, "a stack with its organization and project, as in organization/cross-account-s3/account-a")
}

func (r *reader) bucketName(key string) string {
	name := r.text(key)
	switch {
	case !bucketNameForm.MatchString(name) || strings.Contains(name, "..") || ipAddressForm.MatchString(name):
		r.refuse(key, name, "a bucket name: 3 to 63 lowercase letters, digits, hyphens and single dots, beginning and ending with a "+
			"letter or digit, and not an IP address")
	case reservedBucketName.MatchString(name):
		r.refuse(key, name, "a bucket name without a beginning or an end that S3 keeps for itself, such as xn-- or -s3alias")
	}
	return name
}

func (r *reader) prefix(key string) string { return r.folder(key, r.text(key)) }

// folder checks a folder. It always ends in a slash, or else data would also open database/.
func (r *reader) folder(key, text string) string {
	value := text
	if value != "" && !strings.HasSuffix(value, "/") {
		value += "/"
	}
	names := strings.Split(value, "/")
	if len(value) > 512 || !prefixForm.MatchString(value) || slices.Contains(names, ".") || slices.Contains(names, "..") {
		r.refuse(key, text, "a folder, as in data/ or data/incoming/, or empty: up to 512 letters, digits and !_.'()=+@:,- in "+
			"names with single slashes between them and none in front; wildcards are not allowed")
	}
	return value
}

func (r *reader) permissions(key string) []Permission { return r.checkedPermissions(key, r.text(key)) }

// checkedPermissions checks a list of permissions, as JSON.
func (r *reader) checkedPermissions(key, text string) []Permission {
	allowed := []Permission{Read, Write, Delete, List}
	var permissions []Permission
	if err := json.Unmarshal([]byte(text), &permissions); err != nil || len(permissions) == 0 {
		r.refuse(key, text, "a list of at least one of read, write, delete and list")
		return nil
	}
	for i, permission := range permissions {
		if !slices.Contains(allowed, permission) {
			r.refuse(fmt.Sprintf("%s[%d]", key, i), string(permission), "read, write, delete or list")
		} else if slices.Contains(permissions[:i], permission) {
			r.refuse(fmt.Sprintf("%s[%d]", key, i), string(permission), "named only once")
		}
	}
	return permissions
}

// guard checks that the provider is kept to this side's account, so that credentials of the wrong account cannot deploy into it.
func (r *reader) guard(side, account string) {
	const allowedAccountIDs, assumeRole = "aws:allowedAccountIds", "aws:assumeRole"
	if account == "" {
		return // Already refused, and nothing to compare with.
	}
	text := r.text(allowedAccountIDs)
	// A json.Number takes an id with and without quotes, as the provider does.
	var ids []json.Number
	if err := json.Unmarshal([]byte(text), &ids); err != nil || len(ids) != 1 || string(ids[0]) != account {
		r.refuse(allowedAccountIDs, text, fmt.Sprintf("[%q], the account that %s names", account, side))
	}

	if text := r.text(assumeRole); text != "" {
		var role struct{ RoleARN string }
		err := json.Unmarshal([]byte(text), &role)
		if match := roleARNForm.FindStringSubmatch(role.RoleARN); err != nil || match == nil || match[1] != account {
			r.refuse(assumeRole+".roleArn", role.RoleARN, fmt.Sprintf("the ARN of a role of account %s, which %s names", account, side))
		}
	}
}

// strangers refuses keys of this project that nothing reads: with a default in Pulumi.yaml a misspelled key would otherwise be
// passed over in silence.
func (r *reader) strangers() {
	var keys map[string]string
	if err := json.Unmarshal([]byte(os.Getenv(pulumi.EnvConfig)), &keys); err != nil {
		return // Not run by the engine, so there is no list of keys.
	}
	var strangers []string
	for key := range keys {
		if strings.HasPrefix(key, r.ctx.Project()+":") && !r.known[key] {
			strangers = append(strangers, key)
		}
	}
	slices.Sort(strangers)
	for _, key := range strangers {
		r.problems = append(r.problems, fmt.Errorf("  %s is not a setting; Pulumi.yaml lists those there are", key))
	}
}
