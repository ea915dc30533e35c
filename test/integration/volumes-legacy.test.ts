// The same volumes by the mount(2) ways that older kernels need.
import { testVolumes } from './volume-cases.ts';

testVolumes({ legacyMounts: true });
