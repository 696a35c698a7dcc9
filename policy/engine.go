package policy

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/topdown/cache"
)

//go:embed *.rego
var modules embed.FS

// What the engine asks the Rego modules for. A document is prepared once and then kept; a decision, whose input are prepared
// documents, is asked for together with its reasons, so that these find what it has worked out.
const (
	preparationQuery = `prepared = data.iam.preparation.document(input)`
	decisionQuery    = `decision = data.iam.evaluation.decision`
	reasonsQuery     = `decision = data.iam.evaluation.decision; reasons = data.iam.explanation.reasons`

	preparedVar = ast.Var("prepared")
	decisionVar = ast.Var("decision")
	reasonsVar  = ast.Var("reasons")
)

// maxCachedPatterns bounds the compiled patterns that are kept from one decision to the next, so that a stream of cases that all
// have patterns of their own does not fill the memory.
const maxCachedPatterns = 2_000

// Engine answers cases. It compiles the Rego modules once and is safe for concurrent use.
type Engine struct {
	compiler    *ast.Compiler
	store       storage.Store
	patterns    cache.InterQueryValueCache
	documents   documentCache
	preparation preparedQuery
	decision    preparedQuery
	reasons     preparedQuery
}

type preparedQuery struct {
	body     ast.Body
	compiler ast.QueryCompiler
}

// New compiles the evaluator. An error means that the modules built into the program are broken.
func New(ctx context.Context) (*Engine, error) {
	return newEngine(ctx, modules)
}

func newEngine(ctx context.Context, files fs.FS) (*Engine, error) {
	sources, err := readModules(files)
	if err != nil {
		return nil, fmt.Errorf("reading the evaluator's Rego modules: %w", err)
	}
	compiler := ast.NewCompiler()
	if compiler.Compile(sources); compiler.Failed() {
		return nil, fmt.Errorf("compiling the evaluator's Rego modules: %w", compiler.Errors)
	}
	size := maxCachedPatterns
	engine := &Engine{
		compiler: compiler,
		store:    inmem.New(),
		patterns: cache.NewInterQueryValueCache(ctx, &cache.Config{
			InterQueryBuiltinValueCache: cache.InterQueryBuiltinValueCacheConfig{MaxNumEntries: &size},
		}),
	}
	for _, query := range []struct {
		text string
		into *preparedQuery
	}{{preparationQuery, &engine.preparation}, {decisionQuery, &engine.decision}, {reasonsQuery, &engine.reasons}} {
		if *query.into, err = prepare(compiler, query.text); err != nil {
			return nil, err
		}
	}
	return engine, nil
}

// readModules parses every Rego file but the tests.
func readModules(files fs.FS) (map[string]*ast.Module, error) {
	names, err := fs.Glob(files, "*.rego")
	if err != nil {
		return nil, err
	}
	parsed := map[string]*ast.Module{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.rego") {
			continue
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		module, err := ast.ParseModuleWithOpts(path.Base(name), string(text), ast.ParserOptions{RegoVersion: ast.RegoV1})
		if err != nil {
			return nil, err
		}
		parsed[name] = module
	}
	return parsed, nil
}

func prepare(compiler *ast.Compiler, query string) (preparedQuery, error) {
	parsed, err := ast.ParseBodyWithOpts(query, ast.ParserOptions{RegoVersion: ast.RegoV1})
	if err != nil {
		return preparedQuery{}, fmt.Errorf("parsing the query %q: %w", query, err)
	}
	queryCompiler := compiler.QueryCompiler()
	body, err := queryCompiler.Compile(parsed)
	if err != nil {
		return preparedQuery{}, fmt.Errorf("preparing the query %q: %w", query, err)
	}
	return preparedQuery{body: body, compiler: queryCompiler}, nil
}

// Decide answers a case, with the reasons. A malformed case is an error of type MalformedError, never a decision. A nil error
// comes with one of the four decisions; with an error the decision is Undetermined.
func (e *Engine) Decide(ctx context.Context, c Case) (Result, error) {
	q, err := c.question()
	return e.answer(ctx, q, err, true)
}

// DecideJSON answers a case given as JSON, as in one line of `gate simulate`. The id is the case's own as far as it could be
// read, also beside an error; nil where the case has none. Errors are as Decide's.
func (e *Engine) DecideJSON(ctx context.Context, line []byte, withReasons bool) (id *string, result Result, err error) {
	q, err := readCase(line)
	result, err = e.answer(ctx, q, err, withReasons)
	return q.id, result, err
}

// answer decides a question that could be read, or adds what is wrong with its documents to what is wrong with the rest of it.
// Nothing that happens inside OPA reaches the caller as a panic: a case that breaks it is an error like any other.
func (e *Engine) answer(ctx context.Context, q question, malformed error, withReasons bool) (result Result, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			result = Result{Decision: Undetermined}
			err = fmt.Errorf("the evaluator broke on this case: %v", broken)
		}
	}()
	input, err := e.prepare(ctx, q, malformed)
	if err != nil {
		return Result{Decision: Undetermined}, err
	}
	return e.evaluate(ctx, input, withReasons)
}

// prepare makes the evaluation's input from a question: its request, and its documents as the Rego modules have prepared them.
func (e *Engine) prepare(ctx context.Context, q question, malformed error) (ast.Value, error) {
	p := preparer{ctx: ctx, engine: e}
	if malformed != nil && !errors.As(malformed, &p.problems) {
		return nil, malformed
	}
	input := [][2]*ast.Term{
		{word("request"), ast.NewTerm(q.request)},
		{word("identity"), p.layer(q.identity)},
		{word("resource"), p.layer(q.resource)},
		{word("boundary"), p.layer(q.boundary)},
		{word("session"), p.layer(q.session)},
		{word("scp"), p.levels(q.scp)},
		{word("rcp"), p.levels(q.rcp)},
	}
	switch {
	case p.err != nil:
		return nil, p.err
	case len(p.problems) > 0:
		return nil, p.problems
	}
	return ast.NewObject(input...), nil
}

// preparer prepares the documents of one question.
type preparer struct {
	ctx      context.Context
	engine   *Engine
	problems MalformedError
	err      error
}

func (p *preparer) layer(documents []document) *ast.Term {
	terms := make([]*ast.Term, 0, len(documents))
	for _, document := range documents {
		statements := p.statements(document)
		if statements == nil {
			continue
		}
		terms = append(terms, ast.ObjectTerm(
			[2]*ast.Term{word("name"), ast.StringTerm(document.name)},
			[2]*ast.Term{word("statements"), statements},
		))
	}
	return ast.ArrayTerm(terms...)
}

func (p *preparer) levels(levels []level) *ast.Term {
	terms := make([]*ast.Term, len(levels))
	for i, level := range levels {
		terms[i] = ast.ObjectTerm(
			[2]*ast.Term{word("level"), ast.StringTerm(level.name)},
			[2]*ast.Term{word("documents"), p.layer(level.documents)},
		)
	}
	return ast.ArrayTerm(terms...)
}

// statements are the prepared statements of a document, nil where it is malformed.
func (p *preparer) statements(document document) *ast.Term {
	if kept := p.engine.documents.get(document.kind, document.text); kept != nil {
		return kept
	}
	value, problems := document.read()
	if len(problems) > 0 {
		p.problems = append(p.problems, problems...)
		return nil
	}
	if p.err != nil {
		return nil
	}
	answer, err := p.engine.query(p.ctx, p.engine.preparation, value)
	if err != nil {
		p.err = err
		return nil
	}
	prepared, ok := answer[preparedVar].Value.(ast.Object)
	if !ok {
		p.err = fmt.Errorf("preparing %s: the Rego modules gave no object", document.title())
		return nil
	}
	statements := prepared.Get(word("statements"))
	p.engine.documents.put(document.kind, document.text, statements)
	return statements
}

// evaluate asks the Rego modules for the decision.
func (e *Engine) evaluate(ctx context.Context, input ast.Value, withReasons bool) (Result, error) {
	result := Result{Decision: Undetermined}
	query := e.decision
	if withReasons {
		query = e.reasons
	}
	answer, err := e.query(ctx, query, input)
	if err != nil {
		return result, err
	}
	decision, err := asDecision(answer[decisionVar].Value)
	if err != nil {
		return result, err
	}
	if withReasons {
		if err := ast.As(answer[reasonsVar].Value, &result.Reasons); err != nil {
			return result, fmt.Errorf("evaluating the case: reasons of an unexpected shape: %w", err)
		}
	}
	result.Decision = decision
	return result, nil
}

// query asks the Rego modules one thing, to which there must be exactly one answer.
func (e *Engine) query(ctx context.Context, prepared preparedQuery, input ast.Value) (topdown.QueryResult, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	txn, err := e.store.NewTransaction(ctx)
	if err != nil {
		return nil, fmt.Errorf("preparing the evaluation: %w", err)
	}
	defer e.store.Abort(ctx, txn)

	query := topdown.NewQuery(prepared.body).
		WithQueryCompiler(prepared.compiler).
		WithCompiler(e.compiler).
		WithStore(e.store).
		WithTransaction(txn).
		WithInput(ast.NewTerm(input)).
		WithInterQueryBuiltinValueCache(e.patterns)
	if ctx.Done() != nil {
		cancel := topdown.NewCancel()
		defer context.AfterFunc(ctx, cancel.Cancel)()
		query = query.WithCancel(cancel)
	}
	var answers []topdown.QueryResult
	err = query.Iter(ctx, func(answer topdown.QueryResult) error {
		answers = append(answers, answer)
		return nil
	})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("evaluating the case: %w", err)
	case len(answers) != 1:
		return nil, fmt.Errorf("evaluating the case: the Rego modules gave %d decisions, not one", len(answers))
	}
	return answers[0], nil
}

func asDecision(value ast.Value) (Decision, error) {
	if s, ok := value.(ast.String); ok {
		switch decision := Decision(s); decision {
		case Allowed, ExplicitlyDenied, ImplicitlyDenied, Undetermined:
			return decision, nil
		}
	}
	return Undetermined, fmt.Errorf("evaluating the case: the Rego modules gave the unknown decision %v", value)
}
