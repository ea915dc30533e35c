// For tests: a host with SELinux.
import type { SelinuxFacts } from '../spec/selinux.ts';

const file = { user: 'u', role: 'object_r', type: 'file_t', level: 's0' };

export const sampleSelinux: SelinuxFacts = {
  enforcing: true,
  process: { ...file, role: 'r', type: 'process_t' },
  file,
  layer: { ...file, type: 'layer_t' },
  privilegedType: '',
  mayRelabelItself: false,
  problem: '',
};
