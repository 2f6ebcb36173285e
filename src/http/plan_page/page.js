// Sends what a person pasted to this service, lists what was found, and has pev2 draw the plan of the same answer.
'use strict';

const element = (id) => document.getElementById(id);

// As EXPLAIN (FORMAT JSON) spells what the answer names `sort_key`.
const spelled = (name) =>
  name.split('_').map((word) => (['cte', 'io', 'wal', 'jit'].includes(word) ? word.toUpperCase() : word[0].toUpperCase() + word.slice(1))).join(' ');

const NODE = {
  node_type: 'Node Type', join_type: 'Join Type', parent_relationship: 'Parent Relationship', schema: 'Schema',
  relation: 'Relation Name', alias: 'Alias', index: 'Index Name', startup_cost: 'Startup Cost', total_cost: 'Total Cost',
  plan_rows: 'Plan Rows', plan_width: 'Plan Width', actual_startup_ms: 'Actual Startup Time',
  actual_total_ms: 'Actual Total Time', actual_rows: 'Actual Rows', actual_loops: 'Actual Loops',
};
const EXTRA = {
  subplan_name: 'Subplan Name', cte: 'CTE Name', function: 'Function Name', tuplestore: 'Tuplestore Name',
  provider: 'Custom Plan Provider',
};
const NESTED = {
  sort: { method: 'Sort Method', space_kb: 'Sort Space Used', space: 'Sort Space Type' },
  hash: {
    buckets: 'Hash Buckets', original_buckets: 'Original Hash Buckets', batches: 'Hash Batches',
    original_batches: 'Original Hash Batches', peak_memory_kb: 'Peak Memory Usage',
  },
  hash_aggregate: {
    planned_partitions: 'Planned Partitions', batches: 'HashAgg Batches', peak_memory_kb: 'Peak Memory Usage', disk_kb: 'Disk Usage',
  },
  gather: { planned: 'Workers Planned', launched: 'Workers Launched' },
  bitmap: { exact_blocks: 'Exact Heap Blocks', lossy_blocks: 'Lossy Heap Blocks' },
  memoize: {
    key: 'Cache Key', mode: 'Cache Mode', hits: 'Cache Hits', misses: 'Cache Misses', evictions: 'Cache Evictions',
    overflows: 'Cache Overflows', peak_memory_kb: 'Peak Memory Usage',
  },
  io: {
    shared_read_ms: 'Shared I/O Read Time', shared_write_ms: 'Shared I/O Write Time', local_read_ms: 'Local I/O Read Time',
    local_write_ms: 'Local I/O Write Time', temp_read_ms: 'Temp I/O Read Time', temp_write_ms: 'Temp I/O Write Time',
  },
  wal: { records: 'WAL Records', full_page_images: 'WAL FPI', bytes: 'WAL Bytes' },
};
const WORKER = {
  number: 'Worker Number', actual_startup_ms: 'Actual Startup Time', actual_total_ms: 'Actual Total Time',
  actual_rows: 'Actual Rows', actual_loops: 'Actual Loops',
};

function renamed(from, names, to) {
  for (const [name, value] of Object.entries(from ?? {})) {
    if (names[name] && value !== null) to[names[name]] = value;
  }
  return to;
}

function buffers(blocks, to) {
  const kinds = ['shared', 'local', 'temp'].flatMap((area) => ['hit', 'read', 'dirtied', 'written'].map((kind) => `${area}_${kind}`));
  for (const kind of kinds) {
    if (Object.keys(blocks).length > 0 && !kind.startsWith('temp_hit') && !kind.startsWith('temp_dirtied')) {
      to[`${spelled(kind)} Blocks`] = blocks[kind] ?? 0;
    }
  }
}

// One node as EXPLAIN (FORMAT JSON) prints it, without its inputs.
function printed(node) {
  const made = renamed(node, NODE, {});
  for (const { kind, text } of node.conditions) made[spelled(kind)] = text;
  for (const { kind, rows } of node.rows_removed) made[`Rows Removed by ${spelled(kind)}`] = rows;
  if (node.never_executed) Object.assign(made, { 'Actual Rows': 0, 'Actual Loops': 0, 'Actual Total Time': 0, 'Actual Startup Time': 0 });
  buffers(node.buffers, made);
  for (const [name, value] of Object.entries(node.extra)) {
    if (NESTED[name]) renamed(value, NESTED[name], made);
    else if (typeof value !== 'object' || Array.isArray(value)) made[EXTRA[name] ?? (name.includes(' ') ? name : spelled(name))] = value;
  }
  if (node.workers.length > 0) made.Workers = node.workers.map((worker) => renamed(worker, WORKER, {}));
  return made;
}

// The answer as EXPLAIN (FORMAT JSON), which pev2 reads. Nodes may be nested deeper than calls may.
function explained(answer) {
  const root = printed(answer.plan);
  const waiting = [[answer.plan, root]];
  for (let pair = waiting.pop(); pair; pair = waiting.pop()) {
    const [node, made] = pair;
    if (node.children.length > 0) {
      made.Plans = node.children.map(printed);
      node.children.forEach((child, position) => waiting.push([child, made.Plans[position]]));
    }
  }
  const whole = { Plan: root };
  if (answer.planning_ms !== null) whole['Planning Time'] = answer.planning_ms;
  if (answer.execution_ms !== null) whole['Execution Time'] = answer.execution_ms;
  if (Object.keys(answer.settings).length > 0) whole.Settings = answer.settings;
  if (answer.triggers.length > 0) {
    whole.Triggers = answer.triggers.map(({ name, constraint, relation, time_ms, calls }) => ({
      'Trigger Name': name, ...(constraint && { 'Constraint Name': constraint }), Relation: relation, Time: time_ms ?? 0, Calls: calls,
    }));
  }
  return JSON.stringify([whole]);
}

function listed(title, items) {
  if (items.length === 0) return [];
  const heading = Object.assign(document.createElement('h2'), { className: 'h6 mt-2', textContent: title });
  const list = document.createElement('ol');
  for (const text of items) list.append(Object.assign(document.createElement('li'), { textContent: text }));
  return [heading, list];
}

let picture = null;

function draw(answer) {
  const { createApp, h } = Vue;
  picture?.unmount();
  const source = { planSource: explained(answer), planQuery: answer.statement ?? '' };
  picture = createApp({ render: () => h(pev2.Plan, source) });
  picture.mount('#picture');
}

function show(answer) {
  // Of several plans the last: auto_explain prints those of inner statements first.
  const plan = answer.plans ? answer.plans[answer.plans.length - 1] : answer;
  element('answer').replaceChildren(
    ...listed('Findings', plan.findings.map(({ severity, message }) => `${severity}: ${message}`)),
    ...listed('Not judged', plan.gaps.map(({ detail, lift }) => (lift ? `${detail} (${lift})` : detail))),
  );
  draw(plan);
}

async function ask(event) {
  event.preventDefault();
  const [text, target, key] = ['plan', 'target', 'key'].map((id) => element(id).value);
  const path = target ? `/v1/targets/${encodeURIComponent(target)}/plan/decode` : '/v1/plan/decode';
  const headers = { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) };
  const body = JSON.stringify(target ? { sql: text } : { plan: text });
  try {
    const reply = await fetch(path, { method: 'POST', headers, body });
    const answer = await reply.json();
    if (reply.ok) return show(answer);
    const faults = (answer.errors ?? []).map((fault) => fault.detail).join('; ');
    element('answer').replaceChildren(...listed(answer.title, [faults || answer.detail || 'no detail']));
  } catch (failure) {
    element('answer').replaceChildren(...listed('The service did not answer', [String(failure)]));
  }
}

element('ask').addEventListener('submit', ask);

// What stands behind `#text=` in a link stays in the browser, but for what is asked of this service. pev2 has other fragments.
const given = /^#text=(.+)$/s.exec(location.hash);
if (given) {
  history.replaceState(null, '', location.pathname);
  element('plan').value = decodeURIComponent(given[1]);
  element('ask').requestSubmit();
}
