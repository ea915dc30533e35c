// Volumes as this kernel does them best.
import { testVolumes } from './volume-cases.ts';

testVolumes({});
